"""Sockets by readiness: one epoll, which the asyncio loop watches as one more file descriptor."""

from __future__ import annotations

import asyncio
import errno
import select
import socket
from collections.abc import Callable

from checks.io.connection import open_stream
from checks.io.errors import error_of
from checks.io.operations import Connect, Operation, Receive, Send
from checks.io.sockets import ROUNDS_MAX, Answer, Link

_EVENTS: dict[type[Operation], int] = {
    Connect: select.EPOLLOUT,
    Send: select.EPOLLOUT,
    Receive: select.EPOLLIN,
}


class EpollSockets:
    """On a near network much has come already when everything that was due has been begun.

    So whoever waits is looked for once with all the others, by poll(2), and only then put in the
    epoll: for one that is in and out again that takes longer than all the rest of the waiting.
    ``do`` is what calls from the loop are made through.
    """

    def __init__(self, do: Callable[[Callable[[], None]], None]) -> None:
        self._do = do
        self._loop = asyncio.get_running_loop()
        self._epoll = select.epoll()
        self._waiting: dict[int, Link] = {}
        self._fresh: list[Link] = []  # those that began to wait since `_look`
        self._loop.add_reader(self._epoll, do, self._poll)

    def perform(self, link: Link, operation: Operation) -> Answer | None:
        """As `Sockets.perform`: what can be done at once is."""
        match operation:
            case Connect():
                self.release(link)
                link.made = made = open_stream(link.definition, blocking=False)
                destination = link.definition.destination, link.definition.port
                fault = made.connect_ex(destination)
                if fault != errno.EINPROGRESS:
                    return _answer(fault)
            case Send():
                return self._send(link, operation.data)
        self._wait(link, operation)
        return None

    def flush(self) -> None:
        """Go on with whom something has come for already, and let the epoll tell of the rest."""
        for _ in range(ROUNDS_MAX):
            if not self._fresh:
                return
            self._look()
        self._loop.call_soon(self._do, self.flush)

    def release(self, link: Link) -> None:
        """Close the connection, if there is one."""
        if link.place >= 0:
            del self._waiting[link.place]
            link.place = -1
        if link.made is not None:
            link.made.close()  # which also takes it out of the epoll
            link.made = None

    def close(self) -> None:
        """Be done; every link has been released."""
        self._loop.remove_reader(self._epoll)
        self._epoll.close()

    def _poll(self) -> None:
        for number, events in self._epoll.poll(0):
            self._ready(self._waiting[number], events)
        self.flush()

    def _look(self) -> None:
        """Go on with those for whom something has come already; have the epoll tell of the rest."""
        fresh = {each.made.fileno(): each for each in self._fresh if each.made is not None}
        self._fresh = []
        once = select.poll()
        for number, link in fresh.items():
            once.register(number, _EVENTS[type(link.operation)])
        events = dict(once.poll(0))
        for number, link in fresh.items():
            if number in events:
                self._ready(link, events[number])
            else:
                link.place = number
                self._waiting[number] = link
                self._epoll.register(number, _EVENTS[type(link.operation)])

    def _ready(self, link: Link, events: int) -> None:
        answer = self._go_on(link, events)
        if answer is not None:
            link.go_on(answer)

    def _go_on(self, link: Link, events: int) -> Answer | None:
        made, operation = link.made, link.operation
        assert made is not None
        match operation:
            case Connect():
                if events & select.EPOLLERR:
                    return _answer(made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
                return b""
            case Send():
                return self._send(link, operation.data)
            case Receive():
                try:
                    return made.recv(operation.length_max)
                except BlockingIOError:  # recv(2): what made it readable may be gone
                    self._wait(link, operation)
                    return None
                except OSError as fault:
                    return fault

    def _send(self, link: Link, data: bytes) -> Answer | None:
        assert link.made is not None
        try:
            data = data[link.made.send(data) :]
        except BlockingIOError:
            pass
        except OSError as fault:
            return fault
        if not data:
            return b""
        self._wait(link, Send(data))
        return None

    def _wait(self, link: Link, operation: Operation) -> None:
        before, link.operation = link.operation, operation
        if link.place < 0:
            self._fresh.append(link)
        elif _EVENTS[type(before)] != _EVENTS[type(operation)]:
            self._epoll.modify(link.place, _EVENTS[type(operation)])


def _answer(fault: int) -> Answer:
    return error_of(fault) if fault else b""
