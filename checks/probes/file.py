"""The file probe: a file of this host says whether a target may be used."""

from __future__ import annotations

import os
import stat

from checks.definition.check import CheckDefinition
from checks.definition.options import FileProbe
from checks.definition.result import Reason
from checks.io.attempt import Outcome, ProbeFailedError, Progress
from checks.io.connection import REPLY_LENGTH_MAX
from checks.io.errors import describe
from checks.probes.agent import obey
from checks.probes.expectation import is_found, mismatch


async def probe(definition: CheckDefinition, progress: Progress) -> Outcome:
    """Read the file and judge it. Blocks where the file system does.

    ``definition.probe`` is a FileProbe.
    """
    options = definition.probe
    assert isinstance(options, FileProbe)
    progress.enter("reading the file")
    text = _read(options.file)
    if options.expect is not None:
        if not is_found(options.expect, text):
            raise ProbeFailedError(Reason.DOWN, mismatch(options.expect, text, options.file))
        return Outcome(f"{options.file} says what is expected")
    if not text.strip():
        return Outcome(f"{options.file} is there")
    return obey(f"{options.file} says", text.decode(errors="replace"))


def _read(path: str) -> bytes:
    try:
        # A pipe without a writer would keep us waiting.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                return os.read(descriptor, REPLY_LENGTH_MAX)
        finally:
            os.close(descriptor)
    except FileNotFoundError as error:
        raise ProbeFailedError(Reason.DOWN, f"{path} is not there") from error
    except OSError as error:
        raise ProbeFailedError(Reason.LOCAL_ERROR, f"{path}: {describe(error)}") from error
    raise ProbeFailedError(Reason.LOCAL_ERROR, f"{path} is not a regular file")
