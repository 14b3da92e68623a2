"""Idle connections to targets, whose end is a hint that a target may have gone."""

from __future__ import annotations

import asyncio
import errno
import select
import socket
from collections.abc import Callable
from time import monotonic
from typing import Final

from checks.definition.check import CheckDefinition
from checks.idle_connection.hint import gap_after
from checks.idle_connection.kernel_events import (
    CarrierLost,
    NeighborFailed,
    Way,
    open_events,
    read_losses,
    way_to,
)
from checks.io.attempt import ProbeFailedError
from checks.io.connection import open_socket

KEEPALIVE_SECONDS: Final = 30
"""After so much silence the kernels ask each other whether the connection still stands (tcp(7)):
without that, one that something on the way has forgotten would never end."""

_ENDS: Final = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR


class _IdleConnection:
    """One target's connection, or the memory of how long the last one lasted."""

    __slots__ = ("gap", "identity", "made", "open_after", "opened_at", "way")

    def __init__(self, identity: str) -> None:
        self.identity = identity
        self.made: socket.socket | None = None
        self.opened_at = 0.0
        self.open_after = 0.0
        self.gap = 0.0
        self.way: Way | None = None


class IdleConnections:
    """Keeps one idle TCP connection to each target that it is given, ``count_max`` at most.

    Nothing is ever sent or read on one. ``hint(identity)`` is called in the loop when it ends,
    whichever way. It is not opened again by itself but by the next call of `keep`, which comes
    with each probe that passes; for a target that ends connections at once, not with each.

    ``hint`` is also called when the kernel tells that the target, or the gateway towards it, does
    not answer for its MAC address, or that the interface towards it has no carrier. The way is that
    of the moment when the connection was made.
    """

    def __init__(self, hint: Callable[[str], None], count_max: int) -> None:
        self._hint = hint
        self._count_max = count_max
        self._idle_connections: dict[str, _IdleConnection] = {}
        self._open: dict[int, _IdleConnection] = {}
        self._by_way: dict[Way, set[str]] = {}
        self._epoll = select.epoll()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._epoll, self._poll)
        self._events = open_events()
        self._loop.add_reader(self._events, self._hear)

    def __len__(self) -> int:
        """Connections that stand, or are being made."""
        return len(self._open)

    def keep(self, definition: CheckDefinition) -> None:
        """Connect to a target that has just passed, unless connected or too soon.

        A target beyond ``count_max`` goes without.
        """
        identity = definition.identity
        idle_connection = self._idle_connections.get(identity)
        if idle_connection is None:
            idle_connection = self._idle_connections[identity] = _IdleConnection(identity)
        now = monotonic()
        if (
            idle_connection.made is None
            and now >= idle_connection.open_after
            and len(self) < self._count_max
        ):
            idle_connection.opened_at = now
            self._connect(idle_connection, definition)

    def drop(self, identity: str) -> None:
        """Close the connection to a target, and forget about it."""
        idle_connection = self._idle_connections.pop(identity, None)
        if idle_connection is not None:
            self._close(idle_connection)

    def close(self) -> None:
        """Close all."""
        for identity in tuple(self._idle_connections):
            self.drop(identity)
        for watched in (self._epoll, self._events):
            self._loop.remove_reader(watched)
            watched.close()

    def _connect(self, idle_connection: _IdleConnection, definition: CheckDefinition) -> None:
        try:
            made = open_socket(definition, socket.SOCK_STREAM)
        except (OSError, ProbeFailedError):  # a want of this host: its probes tell of it
            self._ended(idle_connection)
            return
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_SECONDS)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_SECONDS)
        if made.connect_ex((definition.destination, definition.port)) not in (0, errno.EINPROGRESS):
            made.close()
            self._ended(idle_connection)
            return
        idle_connection.made = made
        idle_connection.way = way = way_to(definition.destination)
        if way is not None:
            self._by_way.setdefault(way, set()).add(idle_connection.identity)
        self._open[made.fileno()] = idle_connection
        self._epoll.register(made, _ENDS)

    def _poll(self) -> None:
        for number, _ in self._epoll.poll(0):
            idle_connection = self._open.get(number)
            if idle_connection is not None:  # else the hint before has dropped it
                self._close(idle_connection)
                self._ended(idle_connection)
                self._hint(idle_connection.identity)

    def _hear(self) -> None:
        hinted: set[str] = set()
        for loss in read_losses(self._events):
            match loss:
                case NeighborFailed(neighbour):
                    hinted |= self._by_way.get(neighbour, set())
                case CarrierLost(interface):
                    ways = (way for way in self._by_way if way.interface == interface)
                    hinted.update(*(self._by_way[way] for way in ways))
        for identity in hinted:
            self._hint(identity)

    def _ended(self, idle_connection: _IdleConnection) -> None:
        now = monotonic()
        idle_connection.gap = gap_after(now - idle_connection.opened_at, idle_connection.gap)
        idle_connection.open_after = now + idle_connection.gap

    def _close(self, idle_connection: _IdleConnection) -> None:
        if idle_connection.made is not None:
            del self._open[idle_connection.made.fileno()]
            idle_connection.made.close()  # which takes it out of the epoll
            idle_connection.made = None
            self._leave_way(idle_connection)

    def _leave_way(self, idle_connection: _IdleConnection) -> None:
        if idle_connection.way is not None:
            others = self._by_way[idle_connection.way]
            others.discard(idle_connection.identity)
            if not others:
                del self._by_way[idle_connection.way]
            idle_connection.way = None
