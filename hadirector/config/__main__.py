"""The short-lived process that reads a configuration file for the director."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Iterable

from hadirector.config.document.errors import FILE_BYTES_MAX, ConfigError, Fault
from hadirector.config.loader import load, parse
from hadirector.config.reading import DEFAULT, ReadingOptions, decode_options
from hadirector.config.subprocess import TEXT_ON_STDIN
from hadirector.config.subprocess.frames import Frame, Refusal, encode, split
from hadirector.config.subprocess.limits import MEMORY_BYTES_MAX, limit_this_process
from hadirector.model.configuration import Configuration

NICENESS = 10
"""From 0 to 19 (nice(2)). A large file takes seconds to read, and probes must not be late."""


def main(file: str, encoded: str = "", *arguments: str) -> None:
    """Read the file, and write its configuration or its faults to standard output in frames."""
    os.nice(NICENESS)
    limit_this_process()
    frames: Iterable[Frame]
    try:
        options = decode_options(encoded) if encoded else DEFAULT
        on_stdin = TEXT_ON_STDIN in arguments
        frames = split(_parse_input(file, options) if on_stdin else load(file, options))
    except ConfigError as error:
        frames = [Refusal(error.faults)]
    except MemoryError:
        size = MEMORY_BYTES_MAX // 1024**3
        frames = [Refusal((Fault(file, f"reading the file takes more than {size} GiB of memory"),))]
    # If the director has stopped, nothing reads the frames.
    with contextlib.suppress(BrokenPipeError):
        for frame in frames:
            sys.stdout.buffer.write(encode(frame))
        sys.stdout.buffer.flush()
        return
    os._exit(1)


def _parse_input(file: str, options: ReadingOptions) -> Configuration:
    """Parse standard input as the content of the file. Raises ConfigError."""
    data = sys.stdin.buffer.read(FILE_BYTES_MAX + 1)
    return parse(data, file, socket.gethostname(), options)


if __name__ == "__main__":
    main(*sys.argv[1:])
