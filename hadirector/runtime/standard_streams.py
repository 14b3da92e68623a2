"""Handles standard streams (stdin, stdout, stderr) that are closed or cannot be written."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TextIO


def fill_missing() -> None:
    """Open /dev/null for each standard descriptor that is closed.

    A file or socket of the director would otherwise get its number, and children would write their
    errors into it.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # open(2) takes the lowest free number


def give_up_if_full(stream: TextIO | None) -> bool:
    """Flush a stream. If that is impossible, discard its content and return False.

    Further output then goes to /dev/null. Python would otherwise exit with status 120.
    """
    if stream is None:
        return True
    try:
        stream.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return False
    return True
