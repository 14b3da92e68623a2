"""Sockets by completion: what many of them are to do is given to the kernel in one call."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import mmap
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from checks.io.connection import ANY_ROUTE, family_of
from checks.io.epoll import EpollSockets
from checks.io.errors import error_of
from checks.io.io_uring import Ring
from checks.io.operations import Connect, Operation, Receive, Send
from checks.io.sockets import ROUNDS_MAX, Answer, Link

RING_SIZE: Final = 512
"""Operations that are given to the kernel in one call."""

BUFFER_SIZE: Final = 4096
"""Bytes that are sent or received by one operation: whole requests, and most replies."""

_ADDRESS_SIZE: Final = 32
_ADDRESS: Final = struct.Struct("!H4s8x")  # behind the family, which is in the host's byte order
_ADDRESS_6: Final = struct.Struct("!HI16sI")
_FAMILY, _FAMILY_6 = struct.pack("=H", socket.AF_INET), struct.pack("=H", socket.AF_INET6)


class RingSockets:
    """Each link has a place, with a buffer, from when it connects until the kernel is done with it.

    What io_uring cannot do well is done by readiness: connections with a route of their own, and
    those that an ICMP message disturbs. Such a link has a socket of Python's, ``made``.
    ``do`` is what calls from the loop are made through, and ``links_max`` how many there may be.
    Raises OSError where there can be no io_uring.
    """

    def __init__(self, do: Callable[[Callable[[], None]], None], links_max: int) -> None:
        self._do = do
        self._loop = asyncio.get_running_loop()
        self._ring = Ring(RING_SIZE, links_max)
        self._free = list(range(links_max))  # the last used is used next: few buffers are touched
        self._under_way: dict[int, Link | None] = {}  # by place; None where it was released since
        self._others = EpollSockets(do)
        self._buffers_at = links_max * _ADDRESS_SIZE
        self._memory = mmap.mmap(-1, self._buffers_at + links_max * BUFFER_SIZE)
        self._memory_at = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        self._again: asyncio.Handle | None = None
        self._loop.add_reader(self._ring, do, self.flush)

    def perform(self, link: Link, operation: Operation) -> Answer | None:
        """As `Sockets.perform`."""
        if link.made is not None or link.definition.route != ANY_ROUTE:
            return self._others.perform(link, operation)
        link.operation = operation
        try:
            match operation:
                case Connect():
                    self.release(link)
                    self._connect(link)
                case Send(data):
                    self._send(link.place, data[:BUFFER_SIZE])
                case Receive(length_max):
                    length = min(length_max, BUFFER_SIZE)
                    self._ring.receive(link.place, self._memory_at + self._at(link.place), length)
        except OSError as fault:
            return fault
        self._under_way[link.place] = link
        return None

    def flush(self) -> None:
        """Give the kernel all that is queued, and go on with what has ended."""
        for _ in range(ROUNDS_MAX):
            self._ring.submit()
            self._go_on()
            self._others.flush()  # also for whom it has just been given
            if not self._ring.queued:
                return
        self._again = self._loop.call_soon(self._do, self.flush)

    def release(self, link: Link) -> None:
        """Close the connection, if there is one."""
        if link.made is not None:
            self._others.release(link)
            return
        place, link.place = link.place, -1
        if place in self._under_way:
            self._under_way[place] = None
            with suppress(OSError):  # without room to say so, it ends when TCP gives up
                self._ring.cancel(place)
        elif place >= 0:
            self._leave(place)

    def close(self) -> None:
        """Be done; every link has been released."""
        self.flush()  # the cancellations too: no buffer is written to from now on
        if self._again is not None:
            self._again.cancel()
        self._loop.remove_reader(self._ring)
        self._ring.close()
        self._others.close()

    def _connect(self, link: Link) -> None:
        definition = link.definition
        if not self._free:
            raise error_of(errno.ENOBUFS)
        place = link.place = self._free.pop()
        family = family_of(definition.destination)
        there = socket_address(family, definition.destination, definition.port)
        at = place * _ADDRESS_SIZE
        self._memory[at : at + len(there)] = there
        self._ring.connect(place, family, self._memory_at + at, len(there))

    def _send(self, place: int, data: bytes) -> None:
        at = self._at(place)
        self._memory[at : at + len(data)] = data
        self._ring.send(place, self._memory_at + at, len(data))

    def _at(self, place: int) -> int:
        return self._buffers_at + place * BUFFER_SIZE

    def _leave(self, place: int) -> None:
        self._free.append(place)
        with suppress(OSError):  # without room to say so, it is closed when the place is used again
            self._ring.close_place(place)

    def _go_on(self) -> None:
        for place, result in self._ring.ended():
            link = self._under_way.pop(place)
            if link is None:
                self._leave(place)
            elif (answer := self._answer(link, result)) is not None:
                link.go_on(answer)

    def _answer(self, link: Link, result: int) -> Answer | None:
        if isinstance(link.operation, Connect):
            return self._connected(link, result)
        if result < 0:
            return error_of(-result)
        if isinstance(link.operation, Send):
            rest = link.operation.data[result:]
            return self.perform(link, Send(rest)) if rest else b""
        at = self._at(link.place)
        return self._memory[at : at + result]

    def _connected(self, link: Link, result: int) -> Answer | None:
        match -result:
            case 0 | errno.EISCONN:
                return b""
            case errno.EALREADY:  # not yet: see `Ring.connect`
                self.release(link)
                try:
                    return self._others.perform(link, link.operation)
                except OSError as fault:
                    return fault
            case _:
                return error_of(-result)


def socket_address(family: socket.AddressFamily, address: str, port: int) -> bytes:
    """Write what connect(2) takes: struct sockaddr_in, or sockaddr_in6 (linux/in.h, in6.h)."""
    there = socket.inet_pton(family, address)
    if family == socket.AF_INET6:
        return _FAMILY_6 + _ADDRESS_6.pack(port, 0, there, 0)
    return _FAMILY + _ADDRESS.pack(port, there)
