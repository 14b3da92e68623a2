"""The API of a director: HTTP on a Unix socket that only its owner and group can open.

`routes.ROUTES` lists the operations. Every error is a problem document (`problems`).

The API runs in the event loop that handles verdicts, so its work is limited: one large answer is
prepared at a time, for all clients that wait for it, and at most one request starts every two
milliseconds. The work for a client that disconnects is cancelled, except for a change, which is
completed.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import stat
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Final

from aiohttp import web

from hadirector.api.actor import Accounts, Actor, prove_actor, read_peer
from hadirector.api.asserted import AssertedConnections, asserted_actor, asserted_id
from hadirector.api.client import CLAIM_HEADER
from hadirector.api.connections import Connections
from hadirector.api.context import Context
from hadirector.api.handling import RequestHandling, random_id
from hadirector.api.link_routes import LINK_ROUTES
from hadirector.api.problems import Code, ProblemError
from hadirector.api.protocol import ApiProtocol
from hadirector.api.routes import ROUTES
from hadirector.api.routing import Router
from hadirector.api.socket_access import admit_groups
from hadirector.director.director import Director
from hadirector.director.web_process import WebProcess
from hadirector.model.configuration import ApiRoles

SOCKET_MODE = 0o660
CONNECT_SECONDS_MAX = 1.0
SHUTDOWN_SECONDS = 1.0
"""Seconds that a stop waits for a request to end, and again after it has cancelled the request."""
LINGERING_SECONDS = 2.0
"""How long the rest of a refused body is read, so that the client can read its answer."""
CLAIM_CHARACTERS_MAX = 64
EVERY_USER_IS_ADMIN: Final = ApiRoles()


@contextlib.asynccontextmanager
async def serving(
    director: Director,
    path: Path,
    roles: ApiRoles = EVERY_USER_IS_ADMIN,
    web_process: WebProcess | None = None,
) -> AsyncIterator[None]:
    """Serve the API inside the context: on the socket at ``path``, and to the web process.

    Raises OSError.
    """
    connections = Connections()
    context = Context(director, connections)
    actors = UnixActors(roles)
    access = SocketAccess(path)
    director.follow_roles(lambda changed: access.admit(actors.change(changed)))
    local = RequestHandling(context, Router(ROUTES), actors.prove, random_id)
    private = Router((*ROUTES, *LINK_ROUTES))
    asserted = RequestHandling(context, private, asserted_actor, asserted_id)
    servers = [_make_server(local), _make_server(asserted)]
    if web_process is not None:
        starter = partial(_start_protocol, servers[1])
        web_process.handle_connection = AssertedConnections(starter).start
    try:
        async with connections.accept(partial(_start_protocol, servers[0]), _listen(path)):
            access.admit(roles)
            await access.wait()
            yield
    finally:
        context.stop_followers()
        for server in servers:
            server.pre_shutdown()
        for server in servers:
            await server.shutdown(SHUTDOWN_SECONDS)
        with contextlib.suppress(OSError):  # another program may have its own file there now
            _remove_dead_socket(path)


def _make_server(handling: RequestHandling) -> web.Server:
    loop = asyncio.get_running_loop()
    return web.Server(handling.handle, handler_cancellation=True, loop=loop)


def _start_protocol(server: web.Server) -> ApiProtocol:
    return ApiProtocol(
        server,
        loop=asyncio.get_running_loop(),
        access_log=None,  # type: ignore[arg-type]  # aiohttp itself passes None
        lingering_time=LINGERING_SECONDS,
    )


class SocketAccess:
    """Lets the groups with a role open the socket. A later change waits for an earlier one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._names: tuple[str, ...] = ()
        self._task: asyncio.Task[None] | None = None

    def admit(self, roles: ApiRoles) -> None:
        """Begin to change the access, if other groups have a role now."""
        if roles.names == self._names:
            return
        self._names = roles.names
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._change(), name="access to the socket")

    async def wait(self) -> None:
        """Wait for the change that has begun."""
        if self._task is not None:
            await self._task

    async def _change(self) -> None:
        done: tuple[str, ...] | None = None
        while done != self._names:
            done = self._names
            await asyncio.to_thread(admit_groups, self._path, done)


class UnixActors:
    """Determines the actors of the Unix socket by the credentials from the kernel."""

    def __init__(self, roles: ApiRoles) -> None:
        self._roles = roles
        self._accounts = Accounts()

    def change(self, roles: ApiRoles) -> ApiRoles:
        """Use these roles from the next request on; return them."""
        self._roles = roles
        return roles

    async def prove(self, request: web.BaseRequest, request_id: str) -> Actor:
        """Return the actor behind a request. Raises ProblemError."""
        if request.transport is None:
            raise ConnectionResetError("the client has left")
        claimed = request.headers.get(CLAIM_HEADER, "")
        if len(claimed) > CLAIM_CHARACTERS_MAX or not claimed.isprintable():
            raise ProblemError(
                Code.MALFORMED,
                f"{CLAIM_HEADER}: expected at most {CLAIM_CHARACTERS_MAX} printable characters",
            )
        peer = read_peer(request.transport.get_extra_info("socket"))
        return await prove_actor(
            peer, self._roles, self._accounts, claimed=claimed, request_id=request_id
        )


def _listen(path: Path) -> socket.socket:
    _remove_dead_socket(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o777 & ~SOCKET_MODE)
    try:
        listener.bind(str(path))
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"api.unix: {error.strerror}", str(path)) from error
    finally:
        os.umask(before)
    return listener


def _remove_dead_socket(path: Path) -> None:
    """Remove a socket that no process listens on. Raises OSError if anything else is there."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise OSError(errno.EEXIST, "api.unix: not a socket", str(path))
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(CONNECT_SECONDS_MAX)
        with contextlib.suppress(ConnectionRefusedError):
            probe.connect(str(path))
            raise OSError(errno.EADDRINUSE, "api.unix: another director answers here", str(path))
    path.unlink()
