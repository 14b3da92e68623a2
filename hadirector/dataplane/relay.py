"""Relays the bytes of one TCP connection between a client and a destination."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import Final

from hadirector.model.ipvs import DestinationKey
from hadirector.runtime.descriptors import RELAY_RESERVE, is_reserved

CONNECT_SECONDS_MAX = 5.0
IDLE_SECONDS_MAX = 900.0  # the timeout of IPVS for an established TCP connection
PIECE_BYTES_MAX = 16384

_piece: Final = bytearray(PIECE_BYTES_MAX)
"""All relays receive into this buffer, one after the other, and leave nothing in it."""


class ReservedError(Exception):
    """The free file descriptors are reserved for the director. The message is the reason."""


def open_towards(client: socket.socket, destination: DestinationKey) -> socket.socket:
    """Return a socket for a connection to ``destination``. Raises ReservedError."""
    family = socket.AF_INET6 if ":" in destination.address else socket.AF_INET
    try:
        server = socket.socket(family)
    except OSError as error:
        raise ReservedError(error.strerror) from error
    if is_reserved(max(client.fileno(), server.fileno()), RELAY_RESERVE):
        server.close()
        raise ReservedError(
            "no file descriptor is free for the connection; the rest is reserved for the director"
        )
    server.setblocking(False)
    return server


async def relay(client: socket.socket, server: socket.socket, destination: DestinationKey) -> None:
    """Connect ``server`` to ``destination``, and copy bytes between client and destination.

    The relay ends when both sides have finished. If one side finishes, the other side can still
    send. Both connections are reset after a reset, a refused connection, 5 s without an answer
    to the connect, or 900 s without a byte. Each direction buffers up to 16 KiB, so a slow
    reader makes the writer wait. Both sockets are closed at the end.
    """
    loop = asyncio.get_running_loop()
    orderly = False
    try:
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        async with asyncio.timeout(CONNECT_SECONDS_MAX):
            await loop.sock_connect(server, (destination.address, destination.port))
        orderly = await _Relay().run(client, server)
    except OSError:
        pass  # both connections are reset below; TimeoutError is an OSError too
    finally:
        for end in (client, server):
            if orderly:
                end.close()  # the kernel sends the last bytes
            else:
                reset(end)


def reset(connection: socket.socket) -> None:
    """Close a socket with a reset instead of an orderly end (SO_LINGER in socket(7))."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("@ii", 1, 0))
    connection.close()


class _Relay:
    """The two directions of a relay, and the time of its latest byte.

    The directions are called when a socket is ready. Tasks would delay the other work of the event
    loop. Transports of asyncio refer to themselves, so a thousand of them would do the same when
    the garbage collector removes them.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[bool] = self._loop.create_future()
        self._directions: list[_Direction] = []
        self._latest = self._loop.time()
        self._idle = self._loop.call_later(IDLE_SECONDS_MAX, self._watch_idle)

    async def run(self, client: socket.socket, server: socket.socket) -> bool:
        """Copy bytes until the end; return whether both sides have finished.

        The sockets remain open, and the event loop no longer uses them.
        """
        try:
            for source, sink in ((client, server), (server, client)):
                self._directions.append(_Direction(self, source, sink))
            return await self._ended
        finally:
            self._idle.cancel()
            for direction in self._directions:
                direction.stop()
            self._directions.clear()  # the relay and its directions refer to each other

    def note_piece(self) -> None:
        """Restart the idle time."""
        self._latest = self._loop.time()

    def note_finish(self) -> None:
        """End the relay if no side sends any more."""
        if all(direction.finished for direction in self._directions):
            self.end(orderly=True)

    def end(self, *, orderly: bool) -> None:
        """End the relay."""
        if not self._ended.done():
            self._ended.set_result(orderly)

    def _watch_idle(self) -> None:
        left = self._latest + IDLE_SECONDS_MAX - self._loop.time()
        if left > 0:
            self._idle = self._loop.call_later(left, self._watch_idle)
        else:
            self.end(orderly=False)


class _Direction:
    """Sends to ``sink`` what comes from ``source``. It receives the next piece afterwards."""

    def __init__(self, relay: _Relay, source: socket.socket, sink: socket.socket) -> None:
        self.finished = False
        self._relay = relay
        self._source = source
        self._sink = sink
        self._rest = b""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(source, self._receive)

    def stop(self) -> None:
        """Stop receiving and sending."""
        self._loop.remove_reader(self._source)
        self._loop.remove_writer(self._sink)

    def _receive(self) -> None:
        try:
            size = self._source.recv_into(_piece)
        except BlockingIOError:
            return
        except OSError:
            self._relay.end(orderly=False)
            return
        self._relay.note_piece()
        if size:
            self._send(memoryview(_piece)[:size])
        else:
            self._finish()

    def _send(self, piece: memoryview) -> None:
        sent = self._try_to_send(piece)
        if sent < len(piece):
            self._rest = bytes(piece[sent:])
            self._loop.remove_reader(self._source)
            self._loop.add_writer(self._sink, self._send_rest)

    def _send_rest(self) -> None:
        self._rest = self._rest[self._try_to_send(self._rest) :]
        if not self._rest:
            self._loop.remove_writer(self._sink)
            self._loop.add_reader(self._source, self._receive)

    def _try_to_send(self, piece: memoryview | bytes) -> int:
        """Return the number of bytes that the socket takes. An error ends the relay."""
        try:
            return self._sink.send(piece)
        except BlockingIOError:
            return 0
        except OSError:
            self._relay.end(orderly=False)
            return len(piece)

    def _finish(self) -> None:
        """Pass on that the source sends no more."""
        self.finished = True
        self._loop.remove_reader(self._source)
        try:
            self._sink.shutdown(socket.SHUT_WR)
        except OSError:
            self._relay.end(orderly=False)
        else:
            self._relay.note_finish()
