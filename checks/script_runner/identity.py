"""Looks up the numbers of the user and the groups under which a script runs."""

from __future__ import annotations

import grp
import os
import pwd

from checks.script_runner.request import Identity
from checks.script_runner.script import Script


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


def is_own(identity: Identity, script: Script) -> bool:
    """Return whether the script runs as the same user and group as this process."""
    same_group = not script.group or identity.group == os.getegid()
    return identity.user == os.geteuid() and same_group
