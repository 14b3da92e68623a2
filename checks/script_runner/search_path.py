"""Finds a program that is named without a directory, in the directories of PATH."""

from __future__ import annotations

import os
import stat
from typing import Final

PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""The PATH of every script. It does not depend on the PATH of this process."""


def find_on_path(program: str) -> str:
    """Return the absolute path of a program with a bare name.

    A name with a slash, and a name that is in no directory of PATH, are returned unchanged.
    Permissions are checked later, when the program runs (`checks.script_runner.permission`).
    """
    if "/" in program:
        return program
    candidates = (f"{directory}/{program}" for directory in PATH.split(":"))
    return next(filter(_is_executable, candidates), program)


def _is_executable(path: str) -> bool:
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) and bool(mode & 0o111)
