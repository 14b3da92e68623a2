"""Looks up the numbers of the user and the groups under which a script runs."""

from __future__ import annotations

import grp
import os
import pwd
from functools import cache
from pathlib import Path
from typing import Final

from checks.script_runner.request import Identity
from checks.script_runner.script import Script

_CAP_KILL, _CAP_SETGID, _CAP_SETUID = 5, 6, 7  # linux/capability.h
_NEEDED: Final = 1 << _CAP_KILL | 1 << _CAP_SETGID | 1 << _CAP_SETUID


class UnknownAccountError(Exception):
    """The user or group of a script does not exist on this host. The message names it."""


def find_identity(script: Script) -> Identity:
    """Return the user and the groups of a script. Raises UnknownAccountError.

    A ``group`` of the script replaces the primary group of the user. The supplementary groups
    of the user stay.
    """
    try:
        user = pwd.getpwnam(script.user)
    except KeyError:
        raise UnknownAccountError(f"as {script.user}: this host has no such user") from None
    group = user.pw_gid
    if script.group:
        try:
            group = grp.getgrnam(script.group).gr_gid
        except KeyError:
            message = f"with the group {script.group}: this host has no such group"
            raise UnknownAccountError(message) from None
    return Identity(user.pw_uid, group, tuple(os.getgrouplist(script.user, group)))


@cache
def can_change_user() -> bool:
    """Return whether this process may start, and end, processes of other users.

    It needs three capabilities: CAP_SETUID, CAP_SETGID and CAP_KILL (capabilities(7)). The answer
    is kept, because each run of a script asks, and a process gains no capabilities by itself.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    effective = next(line for line in status.splitlines() if line.startswith("CapEff:"))
    return int(effective.split()[1], 16) & _NEEDED == _NEEDED


def is_own(identity: Identity, script: Script) -> bool:
    """Return whether the script runs as the same user and group as this process."""
    same_group = not script.group or identity.group == os.getegid()
    return identity.user == os.geteuid() and same_group
