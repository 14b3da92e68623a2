"""Limits the number of connections to the API socket, and closes idle connections.

A connection is idle until the complete head of a request has arrived, and again after its answer.
An idle connection is closed after a limited time. `exchange` limits the time of a body and of an
answer. A connection has one request at a time, so the limit on connections is also the limit on
concurrent requests.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from time import monotonic
from typing import Final

from aiohttp import web

from hadirector.runtime.acceptor import Acceptor
from hadirector.runtime.descriptors import API_RESERVE, is_reserved

CONNECTIONS_MAX: Final = 64
BACKLOG: Final = 128
IDLE_SECONDS_MAX = 5.0
SWEEP_SECONDS = 1.0
PLACES_AT_ONCE: Final = 4
"""The number of connections that are closed together to admit new connections."""
READ_SECONDS_MIN: Final = 2.0
"""How long a client may read a large answer before its connection can be closed for a new one."""
TURN_SECONDS: Final = 0.002
"""The time between the starts of two requests while requests wait."""

Serve = Callable[[], asyncio.BaseProtocol]
"""Returns the protocol of a new connection."""


class _Connection:
    """An accepted socket.

    ``idle_since`` is None while a request is handled. After ``replaceable_at``, a new connection
    may take its place; None means that no connection may.
    """

    def __init__(self, client: socket.socket) -> None:
        self.client = client
        self.transport: asyncio.Transport | None = None
        now = monotonic()
        self.idle_since: float | None = now
        self.replaceable_at: float | None = now

    @property
    def closed(self) -> bool:
        return self.client.fileno() < 0

    def abort(self) -> None:
        """Close the connection at once, without the rest of an answer."""
        if self.transport is not None:
            self.transport.abort()


class Connections:
    """The connections to the API socket. Their requests start one after the other.

    At ``CONNECTIONS_MAX`` a new connection replaces the connection that has been idle for the
    longest time, or a connection whose client reads its answer slowly. If there is no such
    connection, the new connection waits in the queue of the kernel.
    """

    def __init__(self) -> None:
        self._connections: dict[int, _Connection] = {}
        self._starting: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def accept(self, server: Serve, listening: socket.socket) -> AsyncIterator[None]:
        """Accept connections for a server, and close idle connections, inside the context."""
        listening.setblocking(False)
        listening.listen(BACKLOG)
        acceptor = Acceptor(listening, partial(self._start, server), self._make_place)
        sweeping = asyncio.create_task(self._sweep_regularly(), name="idle connections")
        try:
            yield
        finally:
            sweeping.cancel()
            acceptor.close()

    @contextlib.asynccontextmanager
    async def admit(self, request: web.BaseRequest) -> AsyncIterator[None]:
        """Wait until a request may start. Inside the context, its connection is not idle.

        Requests start one after the other. While further requests wait, there are pauses
        between them.
        """
        with self._busy(request):
            crowded = self._turn.locked()
            async with self._turn:
                await asyncio.sleep(TURN_SECONDS if crowded else 0)
            yield

    @contextlib.contextmanager
    def _busy(self, request: web.BaseRequest) -> Iterator[None]:
        """Mark the connection of a request as not idle during the context."""
        connection = self._find(request)
        if connection is None:
            yield
            return
        connection.idle_since = connection.replaceable_at = None
        try:
            yield
        finally:
            connection.idle_since = connection.replaceable_at = monotonic()

    def note_sending(self, request: web.BaseRequest) -> None:
        """Record that a large answer is being sent. A slow reader may lose its connection."""
        if connection := self._find(request):
            connection.replaceable_at = monotonic() + READ_SECONDS_MIN

    def _find(self, request: web.BaseRequest) -> _Connection | None:
        if request.transport is None:
            return None
        return self._connections.get(request.transport.get_extra_info("socket").fileno())

    def _start(self, server: Serve, client: socket.socket) -> None:
        if is_reserved(client.fileno(), API_RESERVE):
            client.close()
            return
        connection = self._connections[client.fileno()] = _Connection(client)
        starting = asyncio.create_task(self._serve(server, connection))
        self._starting.add(starting)
        starting.add_done_callback(self._starting.discard)

    async def _serve(self, server: Serve, connection: _Connection) -> None:
        loop = asyncio.get_running_loop()
        try:
            transport, _ = await loop.connect_accepted_socket(server, connection.client)
        except OSError:
            connection.client.close()
        else:
            assert isinstance(transport, asyncio.Transport), "the socket is a stream"
            connection.transport = transport

    def _make_place(self) -> bool:
        """Return whether another connection may be accepted; close others for it."""
        if len(self._connections) < CONNECTIONS_MAX:
            return True
        self._forget()
        if len(self._connections) < CONNECTIONS_MAX:
            return True
        now = monotonic()
        replaceable = sorted(
            (connection.replaceable_at, number)
            for number, connection in self._connections.items()
            if connection.replaceable_at is not None and connection.replaceable_at <= now
        )
        for _, number in replaceable[:PLACES_AT_ONCE]:
            self._connections[number].abort()
        return False  # the place is free when the loop has closed the connection

    async def _sweep_regularly(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self._forget()
            now = monotonic()
            for connection in self._connections.values():
                if connection.idle_since is not None and (
                    now - connection.idle_since > IDLE_SECONDS_MAX
                ):
                    connection.abort()

    def _forget(self) -> None:
        closed = [number for number, each in self._connections.items() if each.closed]
        for number in closed:
            del self._connections[number]
