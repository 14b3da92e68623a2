"""Decides whether a script may run. It may not if an untrusted user could replace it."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from checks.script_runner.identity import (
    UnknownAccountError,
    can_change_user,
    find_identity,
    is_own,
)
from checks.script_runner.script import Script
from checks.script_runner.search_path import PATH

LINKS_MAX: Final = 40
"""The kernel follows as many symbolic links (path_resolution(7))."""


_NOT_ALLOWED: Final = "this process is not root, and lacks CAP_SETUID, CAP_SETGID or CAP_KILL"


class RefusedError(Exception):
    """The script is not allowed to run. The message is the reason."""


def find_fault(script: Script) -> str | None:
    """Return why a script must not run; None if it may run."""
    try:
        find_executable(script)
    except RefusedError as refusal:
        return str(refusal)
    return None


def find_executable(script: Script) -> Path:
    """Return the path of the script's file after all symbolic links have been followed.

    A user who can change or replace the file could use it to influence elections. Therefore the
    file and all directories and links on the way must belong to root, to the user of this
    process or to the user of the script. Other users must not have write permission, except in
    a sticky directory such as /tmp, where they cannot replace files of others.

    The caller runs the returned path, so a link that is changed later has no effect.

    Raises RefusedError.
    """
    if "/" not in script.path:
        raise RefusedError(f"{script.path} is in no directory of PATH ({PATH})")
    try:
        identity = find_identity(script)
        trusted = {0, os.geteuid(), identity.user}
        path, status = Path("/"), Path("/").lstat()
        for path, status in walk(script.path):
            fault = find_other_writer(path, status, trusted)
            if fault is not None:
                raise RefusedError(f"{fault}: another user could replace the script")
    except UnknownAccountError as error:
        raise RefusedError(f"{script.path} cannot run {error}") from None
    except OSError as error:
        raise RefusedError(f"{script.path} cannot run: {error.strerror or error}") from error
    if not stat.S_ISREG(status.st_mode) or not status.st_mode & 0o111:
        raise RefusedError(f"{script.path} is not an executable file")
    if not is_own(identity, script) and not can_change_user():
        wanted = f"with the group {script.group}" if script.group else f"as {script.user}"
        raise RefusedError(f"{script.path} cannot run {wanted}: {_NOT_ALLOWED}")
    return path


def walk(written: str) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield every directory and link on the way of an absolute path, and the file at the end.

    Raises OSError if a part does not exist, or after more than ``LINKS_MAX`` links.
    """
    path = Path("/")
    yield path, path.lstat()
    names = _names(written)
    links = 0
    while names:
        name = names.pop()
        if name == "..":
            path = path.parent
            continue
        entry = path / name
        status = entry.lstat()
        yield entry, status
        if not stat.S_ISLNK(status.st_mode):
            path = entry
            continue
        links += 1
        if links > LINKS_MAX:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), written)
        target = os.readlink(entry)
        names += _names(target)
        if target.startswith("/"):
            path = Path("/")


def _names(path: str) -> list[str]:
    """Return the names of a path, the last one first."""
    return [name for name in reversed(path.split("/")) if name not in ("", ".")]


def find_other_writer(
    path: Path, status: os.stat_result, trusted: set[int], *, by_group: bool = True
) -> str | None:
    """Describe how an untrusted user can change or replace a file, link or directory; None if not.

    ``by_group`` is whether group members other than root count as untrusted users. The
    permissions of a link itself have no effect (symlink(7)).
    """
    if status.st_uid not in trusted:
        return f"{path} belongs to the user {status.st_uid}"
    if stat.S_ISLNK(status.st_mode):
        return None
    sticky = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
    others = status.st_mode & stat.S_IWOTH
    group = by_group and status.st_mode & stat.S_IWGRP and status.st_gid != 0
    return f"{path} is writable by other users" if not sticky and (others or group) else None
