"""The short-lived process that reads a configuration file for the director."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Iterable

from hadirector.config.document.errors import ConfigError
from hadirector.config.loader import load, parse
from hadirector.config.subprocess.frames import (
    FILE_BYTES_MAX,
    TEXT_IS_GIVEN,
    Frame,
    Refusal,
    encode,
    split,
)
from hadirector.model.configuration import Configuration

NICENESS = 10
"""Of 0 to 19 (nice(2)): a large file takes seconds, and probes are not to be late meanwhile."""


def main(file: str, *given: str) -> None:
    """Write the file's configuration, or its faults, to standard output in frames."""
    os.nice(NICENESS)
    frames: Iterable[Frame]
    try:
        frames = split(_parse_input(file) if TEXT_IS_GIVEN in given else load(file))
    except ConfigError as error:
        frames = [Refusal(error.faults)]
    # The director may be stopped before it has heard us out; then nobody wants to know.
    with contextlib.suppress(BrokenPipeError):
        for frame in frames:
            sys.stdout.buffer.write(encode(frame))
        sys.stdout.buffer.flush()
        return
    os._exit(1)


def _parse_input(file: str) -> Configuration:
    """Take standard input for what is in the file. Raises ConfigError."""
    return parse(sys.stdin.buffer.read(FILE_BYTES_MAX + 1), file, socket.gethostname())


if __name__ == "__main__":
    main(*sys.argv[1:])
