"""Reads the number in a tracked file."""

from __future__ import annotations

import os
import re
from typing import Final

_BYTES_MAX: Final = 64
_NUMBER: Final = re.compile(rb"\s*([+-]?[0-9]{1,9})\s*")


class FileError(Exception):
    """The file cannot be read, or contains no number. The message has its path and content."""


def read_number(path: str) -> int:
    """Return the integer that a file contains; 0 if the file does not exist.

    A hanging file system blocks this function. Raises FileError, for example if the file is
    written at this moment and incomplete.
    """
    try:
        # Opening a pipe without a writer would block.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            text = os.read(descriptor, _BYTES_MAX + 1)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}") from error
    match = _NUMBER.fullmatch(text)
    if match is None or len(text) > _BYTES_MAX:
        found = text.decode(errors="replace")
        raise FileError(f"{path}: got {found!r}, expected a whole number of at most 9 digits")
    return int(match[1])
