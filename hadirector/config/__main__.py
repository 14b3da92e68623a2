"""The short-lived process that reads a configuration file for the director."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable

from hadirector.config.errors import ConfigError
from hadirector.config.frames import Frame, Refusal, encode, split
from hadirector.config.loader import load


def main(file: str) -> None:
    """Write the file's configuration, or its faults, to standard output in frames."""
    frames: Iterable[Frame]
    try:
        frames = split(load(file))
    except ConfigError as error:
        frames = [Refusal(error.faults)]
    # The director may be stopped before it has heard us out; then nobody wants to know.
    with contextlib.suppress(BrokenPipeError):
        for frame in frames:
            sys.stdout.buffer.write(encode(frame))
        sys.stdout.buffer.flush()
        return
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1])
