"""Finds the numbers of the user and the groups of a script."""

from __future__ import annotations

import grp
import os
import pwd

from checks.script_runner.request import Identity
from checks.script_runner.script import Script


class UnknownAccountError(Exception):
    """The host does not have the user or the group. The message is the reason."""


def find_identity(script: Script) -> Identity:
    """Return the user and the groups of a script. Raises UnknownAccountError.

    A ``group`` of the script takes the place of the primary group of the user. The user keeps its
    supplementary groups.
    """
    try:
        user = pwd.getpwnam(script.user)
    except KeyError:
        raise UnknownAccountError(f"as {script.user}: there is no such user") from None
    group = user.pw_gid
    if script.group:
        try:
            group = grp.getgrnam(script.group).gr_gid
        except KeyError:
            message = f"with the group {script.group}: there is no such group"
            raise UnknownAccountError(message) from None
    return Identity(user.pw_uid, group, tuple(os.getgrouplist(script.user, group)))


def is_own(identity: Identity, script: Script) -> bool:
    """Return whether a script runs as this process does, without a change of user or group."""
    same_group = not script.group or identity.group == os.getegid()
    return identity.user == os.geteuid() and same_group
