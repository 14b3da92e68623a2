"""Proves who sends a request: the user whose process opened the connection."""

from __future__ import annotations

import asyncio
import pwd
import socket
import struct
from typing import Final

from aiohttp import web

ROOT: Final = 0
_CREDENTIALS: Final = struct.Struct("=iII")  # struct ucred: pid, uid, gid (unix(7))


async def prove_author(request: web.Request, claimed: str = "") -> str:
    """Return the name of the user who sends a request.

    Only root may name another user: the user behind sudo. Then both names are returned.
    """
    user = peer_user(request)
    # The user database may be on the network (nss(5)).
    proven = await asyncio.to_thread(user_name, user)
    return describe(user, proven, claimed)


def describe(user: int, proven: str, claimed: str) -> str:
    """Return the author: the proven name, and before it the name that root claims."""
    return proven if user != ROOT or claimed in ("", proven) else f"{claimed} as {proven}"


def peer_user(request: web.Request) -> int:
    """Return the user id of the process that opened the connection. Raises ConnectionResetError."""
    if request.transport is None:
        raise ConnectionResetError("the client has left")
    connection = request.transport.get_extra_info("socket")
    content = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, user, _ = _CREDENTIALS.unpack(content)
    return int(user)


def user_name(user: int) -> str:
    """Return the name of a user, or "uid N" if it has no name."""
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"uid {user}"
