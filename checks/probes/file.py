"""The file probe: the content of a file on this host decides whether a target is usable."""

from __future__ import annotations

import os
import stat

from checks.definition.check import CheckDefinition
from checks.definition.options import FileProbe
from checks.definition.result import Reason
from checks.io.attempt import Outcome, ProbeFailedError, Progress
from checks.io.connection import REPLY_LENGTH_MAX
from checks.io.errors import describe
from checks.probes.agent import evaluate_statement
from checks.probes.expectation import describe_mismatch, matches


async def probe(definition: CheckDefinition, progress: Progress) -> Outcome:
    """Read the file and evaluate its content. A slow file system blocks this process.

    ``definition.probe`` must be a FileProbe.
    """
    options = definition.probe
    assert isinstance(options, FileProbe)
    progress.enter("reading the file")
    text = _read(options.file)
    if options.expect is not None:
        if not matches(options.expect, text, definition.identity):
            detail = describe_mismatch(options.expect, text, options.file)
            raise ProbeFailedError(Reason.DOWN, detail)
        return Outcome(f"{options.file} matches")
    if not text.strip():
        return Outcome(f"{options.file} exists")
    return evaluate_statement(options.file, text.decode(errors="replace"))


def _read(path: str) -> bytes:
    try:
        # Without O_NONBLOCK, open() would wait for a writer of a named pipe.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                return os.read(descriptor, REPLY_LENGTH_MAX)
        finally:
            os.close(descriptor)
    except FileNotFoundError as error:
        raise ProbeFailedError(Reason.DOWN, f"{path} does not exist") from error
    except OSError as error:
        raise ProbeFailedError(Reason.LOCAL_ERROR, f"{path}: {describe(error)}") from error
    raise ProbeFailedError(Reason.LOCAL_ERROR, f"{path} is not a regular file")
