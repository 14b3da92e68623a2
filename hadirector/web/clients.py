"""Accepts clients: their TLS handshakes, their number, and the end of idle connections.

A connection is idle until a whole head of a request has arrived, and again after its answer. So
idle connections, half handshakes and half heads all end after five seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Final

from hadirector.runtime.acceptor import Acceptor
from hadirector.runtime.descriptors import API_RESERVE, is_reserved

CONNECTIONS_MAX: Final = 1536
"""Room for 1000 followers of events, and for others. At the limit, idle connections are closed."""
HANDSHAKES_MAX: Final = 32
"""TLS handshakes at the same time. Further clients wait in the queue of the kernel."""
HANDSHAKE_SECONDS_MAX: Final = 5.0
IDLE_SECONDS_MAX: Final = 5.0
SWEEP_SECONDS: Final = 1.0
PLACES_AT_ONCE: Final = 16
WRITE_BUFFER_BYTES: Final = 64 * 1024
"""Unsent bytes of a connection at which its answer waits for the client."""

StartProtocol = Callable[[], asyncio.Protocol]


def peer_address(client: socket.socket) -> str:
    """Return the address of the other end of a connection; empty if it has left already."""
    try:
        return str(client.getpeername()[0]).removeprefix("::ffff:")
    except OSError:
        return ""


def _accept_all(_client: socket.socket) -> bool:
    return True


def _ignore(_address: str, _error: OSError) -> None:
    """Ignore a handshake that has failed."""


class Clients:
    """The connections of clients. ``context`` is that of the next TLS handshake.

    ``accepts`` returns whether a new connection may begin its handshake; the others are closed at
    once. ``note_failure`` gets the address and the error of each handshake that fails.
    """

    def __init__(
        self,
        start_protocol: StartProtocol,
        listening: socket.socket,
        *,
        accepts: Callable[[socket.socket], bool] = _accept_all,
        note_failure: Callable[[str, OSError], None] = _ignore,
    ) -> None:
        self.context: ssl.SSLContext | None = None
        self.accepted = 0
        self._start_protocol = start_protocol
        self._accepts = accepts
        self._note_failure = note_failure
        # Since when a connection is idle; None while a request is handled.
        self._idle_since: dict[asyncio.BaseTransport, float | None] = {}
        self._handshakes: set[asyncio.Task[None]] = set()
        self._acceptor = Acceptor(listening, self._start, self._admits)
        self._sweeping = asyncio.create_task(self._sweep_regularly(), name="idle connections")

    @property
    def count(self) -> int:
        """The number of open connections, without those in their handshake."""
        return sum(not transport.is_closing() for transport in self._idle_since)

    def close(self) -> None:
        """Accept no further client, and close all connections."""
        self._sweeping.cancel()
        self._acceptor.close()
        for handshake in self._handshakes:
            handshake.cancel()
        for transport in self._idle_since:
            _abort(transport)

    @contextlib.contextmanager
    def busy(self, transport: asyncio.BaseTransport | None) -> Iterator[None]:
        """Mark a connection as not idle during the context."""
        if transport is None:
            raise ConnectionResetError("the client has left")
        self._idle_since[transport] = None
        try:
            yield
        finally:
            self._idle_since[transport] = monotonic()

    def _start(self, client: socket.socket) -> None:
        if is_reserved(client.fileno(), API_RESERVE) or not self._accepts(client):
            client.close()
            return
        self.accepted += 1
        handshake = asyncio.create_task(self._serve(client))
        self._handshakes.add(handshake)
        handshake.add_done_callback(self._handshakes.discard)

    async def _serve(self, client: socket.socket) -> None:
        address = peer_address(client)
        limits = {"ssl_handshake_timeout": HANDSHAKE_SECONDS_MAX} if self.context else {}
        try:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            transport, _ = await asyncio.get_running_loop().connect_accepted_socket(
                self._start_protocol, client, ssl=self.context, **limits
            )
        except asyncio.CancelledError:
            client.close()
            return
        except OSError as error:  # also a refused handshake: ssl.SSLError
            client.close()
            self._note_failure(address, error)
            return
        assert isinstance(transport, asyncio.WriteTransport)
        transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        self._idle_since.setdefault(transport, monotonic())

    def _admits(self) -> bool:
        """Return whether another client may be accepted; close idle connections for it."""
        if len(self._handshakes) >= HANDSHAKES_MAX:
            return False
        if len(self._idle_since) < CONNECTIONS_MAX:
            return True
        self._forget()
        idle = sorted(
            (since, number, transport)
            for number, (transport, since) in enumerate(self._idle_since.items())
            if since is not None
        )
        for _, _, transport in idle[:PLACES_AT_ONCE]:
            _abort(transport)
        return len(self._idle_since) < CONNECTIONS_MAX

    async def _sweep_regularly(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self._forget()
            oldest = monotonic() - IDLE_SECONDS_MAX
            for transport, since in self._idle_since.items():
                if since is not None and since < oldest:
                    _abort(transport)

    def _forget(self) -> None:
        self._idle_since = {
            transport: since
            for transport, since in self._idle_since.items()
            if not transport.is_closing()
        }


def _abort(transport: asyncio.BaseTransport) -> None:
    """Close a connection at once, without the rest of an answer."""
    assert isinstance(transport, asyncio.WriteTransport)
    transport.abort()
