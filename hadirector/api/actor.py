"""Determines who sends a request and with which role, as the kernel proves it.

On the Unix socket the credentials of the peer decide (SO_PEERCRED and SO_PEERGROUPS, unix(7)).
"""

from __future__ import annotations

import asyncio
import errno
import grp
import os
import pwd
import socket
import struct
from collections.abc import Callable, Collection, Iterable
from enum import StrEnum
from fnmatch import fnmatchcase
from time import monotonic
from typing import Final, NamedTuple

import msgspec

from hadirector.model.configuration import ApiRoles

ROOT: Final = 0
NAME_SECONDS: Final = 60.0
"""How long the name of a user or a group is remembered."""
NAMES_MAX: Final = 1024
"""Names that are remembered. At the limit all of them are forgotten."""
GROUPS_BYTES_MAX: Final = 1024
"""The size of the longest list of groups that Python can read: 256 groups of 4 bytes."""
SO_PEERGROUPS: Final = 59
"""From include/uapi/asm-generic/socket.h. Python 3.11 has no name for it."""
_CREDENTIALS: Final = struct.Struct("=iII")  # struct ucred: pid, uid, gid (unix(7))


class Role(StrEnum):
    """The permissions of an actor. Each role includes the roles before it.

    ``READ`` changes nothing. ``OPERATE`` sets overrides, hands over and pauses. ``ADMIN`` changes
    the configuration and restarts the director.
    """

    READ = "read"
    OPERATE = "operate"
    ADMIN = "admin"

    def includes(self, needed: Role) -> bool:
        """Return whether this role permits everything that the role ``needed`` permits."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


class Actor(msgspec.Struct, frozen=True):
    """The sender of a request.

    ``name`` is proven, such as ``unix:ann`` or ``token:deploy``. ``role`` is None for an actor
    that may do nothing. ``address`` is the address of the client, or the process on this host.
    ``claimed`` is a user name that the client sends and that is not proven. ``only`` has the
    patterns of the objects that the actor may change; an empty tuple means all objects.
    """

    name: str
    role: Role | None
    address: str = ""
    request_id: str = ""
    claimed: str = ""
    only: tuple[str, ...] = ()


def permits(only: Collection[str], virtual_server: str, real_server: str) -> bool:
    """Return whether an actor that may change only these objects may change a real server.

    A pattern is VIRTUAL_SERVER or VIRTUAL_SERVER/REAL_SERVER. ``*`` stands for any text.
    """
    if not only:
        return True
    parts = [pattern.partition("/") for pattern in only]
    return any(
        fnmatchcase(virtual_server, _take_brackets(first))
        and (not slash or fnmatchcase(real_server, _take_brackets(second)))
        for first, slash, second in parts
    )


def _take_brackets(pattern: str) -> str:
    """Take the brackets of an IPv6 address literally, not as a set of characters."""
    return pattern.replace("[", "[[]")


class Peer(NamedTuple):
    """The credentials that a process had when it opened its connection."""

    pid: int
    user: int
    groups: frozenset[int]


def read_peer(connection: socket.socket) -> Peer:
    """Return the credentials of the other end of a Unix socket.

    A process in more than 256 groups is reported with its primary group only.
    """
    content = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, user, group = _CREDENTIALS.unpack(content)
    try:
        found = connection.getsockopt(socket.SOL_SOCKET, SO_PEERGROUPS, GROUPS_BYTES_MAX)
    except OSError as error:
        if error.errno != errno.ERANGE:
            raise
        found = b""
    groups = struct.unpack(f"={len(found) // 4}I", found)
    return Peer(int(pid), int(user), frozenset((int(group), *groups)))


def decide_role(user: int, groups: Collection[str], roles: ApiRoles, owner: int) -> Role:
    """Return the role of a user that has these groups. ``owner`` is the owner of the socket.

    Root and the owner have the role admin. If no role is configured for any group, every other
    user that can open the socket has the role admin too. Otherwise a user in none of the
    configured groups has the role read.
    """
    if user in (ROOT, owner) or not roles.any:
        return Role.ADMIN
    for role, names in (
        (Role.ADMIN, roles.admin),
        (Role.OPERATE, roles.operate),
    ):
        if any(name in groups for name in names):
            return role
    return Role.READ


class Accounts:
    """Looks up the names of users and groups in a thread, and caches them for a minute.

    A look-up can block, because the user database may be on the network (nss(5)).
    """

    def __init__(self) -> None:
        self._users: dict[int, tuple[str, float]] = {}
        self._groups: dict[int, tuple[str, float]] = {}

    async def user_name(self, user: int) -> str:
        """Return the name of a user, or "uid N" if it has no name."""
        return (await _find_names(self._users, [user], _user_name))[0]

    async def group_names(self, groups: Iterable[int]) -> list[str]:
        """Return the names of groups. A group without a name is "gid N"."""
        return await _find_names(self._groups, sorted(groups), _group_name)


async def _find_names(
    known: dict[int, tuple[str, float]], numbers: list[int], find: Callable[[int], str]
) -> list[str]:
    now = monotonic()
    missing = [number for number in numbers if number not in known or known[number][1] <= now]
    if len(known) + len(missing) > NAMES_MAX:
        known.clear()
        missing = numbers
    if missing:
        names = await asyncio.to_thread(lambda: [find(number) for number in missing])
        until = monotonic() + NAME_SECONDS
        known.update((number, (name, until)) for number, name in zip(missing, names, strict=True))
    return [known[number][0] for number in numbers]


def _user_name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"uid {user}"


def _group_name(group: int) -> str:
    try:
        return grp.getgrgid(group).gr_name
    except KeyError:
        return f"gid {group}"


async def prove_actor(
    peer: Peer, roles: ApiRoles, accounts: Accounts, *, claimed: str, request_id: str
) -> Actor:
    """Return the actor behind a connection to the Unix socket."""
    groups = await accounts.group_names(peer.groups) if roles.any else []
    return Actor(
        name=f"unix:{await accounts.user_name(peer.user)}",
        role=decide_role(peer.user, groups, roles, os.geteuid()),
        address=f"pid {peer.pid}",
        request_id=request_id,
        claimed=claimed,
    )
