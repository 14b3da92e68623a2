"""Performs socket operations of many connections with one epoll."""

from __future__ import annotations

import asyncio
import errno
import select
import socket
from collections.abc import Callable
from typing import Final, Protocol

from checks.definition.check import CheckDefinition
from checks.io.connection import open_stream
from checks.io.errors import error_of
from checks.io.operations import Connect, Operation, Receive, Send

ROUNDS_MAX: Final = 4
"""How many times `EpollSockets.flush` resumes links before other callbacks of the event loop run.
A probe over HTTP needs three."""

_EVENTS: Final[dict[type[Operation], int]] = {
    Connect: select.EPOLLOUT,
    Send: select.EPOLLOUT,
    Receive: select.EPOLLIN,
}

Answer = bytes | OSError
"""The result of an operation: received data, empty bytes after Connect and Send, or an error."""


class Link(Protocol):
    """The connection of one conversation.

    ``operation`` is the operation in progress or the last one. ``descriptor`` is the file
    descriptor in the epoll, -1 if the socket is not in the epoll.
    """

    definition: CheckDefinition
    socket: socket.SocketType | None
    operation: Operation
    descriptor: int

    def resume(self, answer: Answer) -> None:
        """Pass the result of the operation to the conversation, which then continues."""


class EpollSockets:
    """Performs socket operations for any number of links, one operation at a time for each link.

    On a local network, many operations complete while other due probes are still starting.
    Adding a socket to the epoll instance and removing it costs most of the CPU time of a wait.
    `flush` therefore first calls poll(2) for all new operations, and adds only the sockets that
    are not ready. The event loop watches the epoll instance as one file descriptor and runs its
    callbacks through ``guard``.
    """

    def __init__(self, guard: Callable[[Callable[[], None]], None]) -> None:
        self._guard = guard
        self._loop = asyncio.get_running_loop()
        self._epoll = select.epoll()
        self._waiting: dict[int, Link] = {}
        self._new: list[Link] = []  # links whose operation began since the last poll(2)
        self._loop.add_reader(self._epoll, guard, self._handle_events)

    def perform(self, link: Link, operation: Operation) -> Answer | None:
        """Perform an operation and return its result, or None if it is not complete.

        In the second case, `flush` or the event loop passes the result to `Link.resume`
        later. Raises OSError and ProbeFailedError if no socket can be opened.
        """
        match operation:
            case Connect():
                self.release(link)
                link.socket = stream = open_stream(link.definition, blocking=False)
                destination = link.definition.destination, link.definition.port
                error_number = stream.connect_ex(destination)
                if error_number != errno.EINPROGRESS:
                    return _answer(error_number)
            case Send():
                return self._send(link, operation.data)
        self._wait(link, operation)
        return None

    def flush(self) -> None:
        """Resume the links whose operation is complete, and wait for the others with the epoll."""
        for _ in range(ROUNDS_MAX):
            if not self._new:
                return
            self._poll_new()
        self._loop.call_soon(self._guard, self.flush)

    def release(self, link: Link) -> None:
        """Close the connection, if there is one, and drop a pending operation without a result."""
        if link.descriptor >= 0:
            del self._waiting[link.descriptor]
            link.descriptor = -1
        if link.socket is not None:
            link.socket.close()  # this also removes it from the epoll
            link.socket = None

    def close(self) -> None:
        """Close the epoll. Every link must have been released."""
        self._loop.remove_reader(self._epoll)
        self._epoll.close()

    def _handle_events(self) -> None:
        for descriptor, events in self._epoll.poll(0):
            self._complete(self._waiting[descriptor], events)
        self.flush()

    def _poll_new(self) -> None:
        new = {link.socket.fileno(): link for link in self._new if link.socket is not None}
        self._new = []
        poll = select.poll()
        for descriptor, link in new.items():
            poll.register(descriptor, _EVENTS[type(link.operation)])
        ready = dict(poll.poll(0))
        for descriptor, link in new.items():
            if descriptor in ready:
                self._complete(link, ready[descriptor])
            else:
                link.descriptor = descriptor
                self._waiting[descriptor] = link
                self._epoll.register(descriptor, _EVENTS[type(link.operation)])

    def _complete(self, link: Link, events: int) -> None:
        answer = self._continue_operation(link, events)
        if answer is not None:
            link.resume(answer)

    def _continue_operation(self, link: Link, events: int) -> Answer | None:
        stream, operation = link.socket, link.operation
        assert stream is not None
        match operation:
            case Connect():
                if events & select.EPOLLERR:
                    return _answer(stream.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
                return b""
            case Send():
                return self._send(link, operation.data)
            case Receive():
                try:
                    return stream.recv(operation.length_max)
                except BlockingIOError:  # the kernel may discard the data after the event (recv(2))
                    self._wait(link, operation)
                    return None
                except OSError as error:
                    return error

    def _send(self, link: Link, data: bytes) -> Answer | None:
        assert link.socket is not None
        try:
            data = data[link.socket.send(data) :]
        except BlockingIOError:
            pass
        except OSError as error:
            return error
        if not data:
            return b""
        self._wait(link, Send(data))
        return None

    def _wait(self, link: Link, operation: Operation) -> None:
        previous, link.operation = link.operation, operation
        if link.descriptor < 0:
            self._new.append(link)
        elif _EVENTS[type(previous)] != _EVENTS[type(operation)]:
            self._epoll.modify(link.descriptor, _EVENTS[type(operation)])


def _answer(error_number: int) -> Answer:
    return error_of(error_number) if error_number else b""
