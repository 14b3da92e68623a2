"""Sends and receives typed messages over a SOCK_SEQPACKET socketpair.

A packet has one marker byte and at most 60 KiB of MessagePack. A longer message takes several
packets. Sending never blocks: packets that do not fit into the socket wait in a queue. When the
queue is full, a droppable message is dropped and counted, and another message raises
ChannelFullError.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections import deque
from typing import Any, Generic, TypeVar

import msgspec

PACKET_SIZE_MAX = 60 * 1024
MESSAGE_SIZE_MAX = 256 * 1024 * 1024
QUEUE_PACKETS_MAX = 8192

_MORE = b"\x00"
_LAST = b"\x01"

Incoming = TypeVar("Incoming")


class ChannelError(Exception):
    """The other process sent data that is not a valid message."""


class ChannelFullError(ChannelError):
    """The queue of messages to send is full, because the other process does not read."""


class Channel(Generic[Incoming]):
    """One end of a channel. ``incoming`` is the union of the message types that it may receive."""

    def __init__(self, end: socket.socket, incoming: Any) -> None:
        end.setblocking(False)
        self._socket = end
        self._decoder: msgspec.msgpack.Decoder[Incoming] = msgspec.msgpack.Decoder(incoming)
        self._encoder = msgspec.msgpack.Encoder()
        self._waiting: deque[bytes] = deque()
        self._flushed = asyncio.Event()
        self._flushed.set()
        self.dropped = 0

    @property
    def is_flushed(self) -> bool:
        """Whether no message waits in the queue, so that the next message is sent at once."""
        return not self._waiting

    def send(self, message: msgspec.Struct, *, droppable: bool = False) -> bool:
        """Send without blocking. Return False if the message was dropped. Raises ChannelFullError.

        If the other process has ended, this method does nothing: ``receive`` reports the
        end.
        """
        packets = _split(self._encoder.encode(message))
        if len(self._waiting) + len(packets) > QUEUE_PACKETS_MAX:
            if droppable:
                self.dropped += 1
                return False
            raise ChannelFullError(
                f"the other process does not read: {len(self._waiting)} packets are queued"
            )
        idle = not self._waiting
        self._waiting.extend(packets)
        if idle:
            self._flush()
            if self._waiting:
                self._flushed.clear()
                asyncio.get_running_loop().add_writer(self._socket, self._flush_from_loop)
        return True

    async def wait_for_flush(self) -> None:
        """Wait until the queue is empty.

        If the channel is closed during the wait, this never returns.
        """
        await self._flushed.wait()

    async def receive(self) -> Incoming | None:
        """Return the next message, or None if the other process has ended. Raises ChannelError."""
        parts: list[bytes] = []
        size = 0
        while True:
            try:
                packet = self._socket.recv(PACKET_SIZE_MAX + 1)
            except BlockingIOError:
                await self._wait_readable()
                continue
            except ConnectionResetError:
                # The other process ended and left packets of ours unread. The kernel says so once;
                # then it still delivers the last packets of that process (unix(7)).
                continue
            if not packet:
                return None
            parts.append(packet[1:])
            size += len(packet) - 1
            if size > MESSAGE_SIZE_MAX:
                raise ChannelError(f"a message exceeds {MESSAGE_SIZE_MAX} bytes")
            if packet[:1] == _LAST:
                return self._decode(b"".join(parts))

    def duplicate(self) -> int | None:
        """Duplicate the file descriptor for the program that replaces this program.

        Return None while a message is partly sent, because the next program could not
        complete it.
        """
        return None if self._waiting else os.dup(self._socket.fileno())

    def close(self) -> None:
        """Close this end; the other end then reads the end of the stream."""
        if self._socket.fileno() >= 0:
            asyncio.get_running_loop().remove_writer(self._socket)
            self._socket.close()

    async def _wait_readable(self) -> None:
        """Wait until the socket is readable. loop.sock_recv() would import ``ssl``, which is 2 MB.

        Another task may close the socket during the wait.
        """
        loop, descriptor = asyncio.get_running_loop(), self._socket.fileno()
        readable = loop.create_future()
        loop.add_reader(descriptor, _set_done, readable)
        try:
            await readable
        finally:
            loop.remove_reader(descriptor)

    def _decode(self, data: bytes) -> Incoming:
        try:
            return self._decoder.decode(data)
        except (msgspec.DecodeError, UnicodeError) as error:  # invalid UTF-8 is a UnicodeError
            raise ChannelError(f"cannot decode a message of {len(data)} bytes: {error}") from error

    def _flush_from_loop(self) -> None:
        self._flush()
        if not self._waiting:
            asyncio.get_running_loop().remove_writer(self._socket)
            self._flushed.set()

    def _flush(self) -> None:
        while self._waiting:
            try:
                self._socket.send(self._waiting[0])
            except BlockingIOError:
                return
            except OSError:
                self._waiting.clear()
                return
            self._waiting.popleft()


def _set_done(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def pair() -> tuple[socket.socket, socket.socket]:
    """Return two connected ends."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def _split(data: bytes) -> list[bytes]:
    if len(data) <= PACKET_SIZE_MAX:
        return [_LAST + data]
    chunks = [data[i : i + PACKET_SIZE_MAX] for i in range(0, len(data), PACKET_SIZE_MAX)]
    return [*(_MORE + chunk for chunk in chunks[:-1]), _LAST + chunks[-1]]
