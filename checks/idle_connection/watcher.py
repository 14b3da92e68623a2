"""Keeps idle connections. The end of a connection is a hint that its target may have failed."""

from __future__ import annotations

import asyncio
import errno
import select
import socket
from collections.abc import Callable
from time import monotonic
from typing import Final

from checks.definition.check import CheckDefinition
from checks.idle_connection.hint import reconnect_delay
from checks.idle_connection.kernel_events import (
    CarrierLost,
    NeighborFailed,
    open_event_socket,
    receive_losses,
)
from checks.io.attempt import ProbeFailedError
from checks.io.connection import open_socket
from checks.io.route_lookup import NextHop, find_next_hop

KEEPALIVE_SECONDS: Final = 30
"""The interval of TCP keepalive probes (tcp(7)). Without them, a connection would never end after a
device on the path, such as a stateful firewall, has dropped its state."""

_END_EVENTS: Final = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR


class _IdleConnection:
    """The connection to one target, or the earliest time of the next connection."""

    __slots__ = ("delay", "identity", "next_hop", "not_before", "opened_at", "socket")

    def __init__(self, identity: str) -> None:
        self.identity = identity
        self.socket: socket.socket | None = None
        self.opened_at = 0.0
        self.not_before = 0.0
        self.delay = 0.0
        self.next_hop: NextHop | None = None


class IdleConnections:
    """Keeps one idle TCP connection to each target, up to ``count_max`` connections.

    The connections carry no data. When a connection ends for any reason, ``hint(identity)`` is
    called in the event loop. The connection is opened again only by `keep`, which the checker
    calls after each probe that passes. If a target closes connections at once, `keep` waits
    longer each time.

    ``hint`` is also called when the kernel reports that the next hop towards the target does
    not answer requests for its MAC address, or that the interface towards it has no carrier.
    The next hop is looked up once, when the connection is made.
    """

    def __init__(self, hint: Callable[[str], None], count_max: int) -> None:
        self._hint = hint
        self._count_max = count_max
        self._idle_connections: dict[str, _IdleConnection] = {}
        self._open: dict[int, _IdleConnection] = {}
        self._by_next_hop: dict[NextHop, set[str]] = {}
        self._epoll = select.epoll()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._epoll, self._handle_ends)
        self._events = open_event_socket()
        self._loop.add_reader(self._events, self._handle_kernel_events)

    def __len__(self) -> int:
        """Return the number of connections that are established or in progress."""
        return len(self._open)

    def keep(self, definition: CheckDefinition) -> None:
        """Open the idle connection to a target that has just passed, unless it exists or must wait.

        A target beyond ``count_max`` gets no connection.
        """
        identity = definition.identity
        idle_connection = self._idle_connections.get(identity)
        if idle_connection is None:
            idle_connection = self._idle_connections[identity] = _IdleConnection(identity)
        now = monotonic()
        if (
            idle_connection.socket is None
            and now >= idle_connection.not_before
            and len(self) < self._count_max
        ):
            idle_connection.opened_at = now
            self._connect(idle_connection, definition)

    def drop(self, identity: str) -> None:
        """Close the connection to a target, and cancel its reconnect delay."""
        idle_connection = self._idle_connections.pop(identity, None)
        if idle_connection is not None:
            self._close(idle_connection)

    def close(self) -> None:
        """Close all connections and stop listening."""
        for identity in tuple(self._idle_connections):
            self.drop(identity)
        for source in (self._epoll, self._events):
            self._loop.remove_reader(source)
            source.close()

    def _connect(self, idle_connection: _IdleConnection, definition: CheckDefinition) -> None:
        try:
            stream = open_socket(definition, socket.SOCK_STREAM)
        except (OSError, ProbeFailedError):  # a local error, which the probes report
            self._start_delay(idle_connection)
            return
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_SECONDS)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_SECONDS)
        error_number = stream.connect_ex((definition.destination, definition.port))
        if error_number not in (0, errno.EINPROGRESS):
            stream.close()
            self._start_delay(idle_connection)
            return
        idle_connection.socket = stream
        idle_connection.next_hop = next_hop = find_next_hop(definition.destination)
        if next_hop is not None:
            self._by_next_hop.setdefault(next_hop, set()).add(idle_connection.identity)
        self._open[stream.fileno()] = idle_connection
        self._epoll.register(stream, _END_EVENTS)

    def _handle_ends(self) -> None:
        for descriptor, _ in self._epoll.poll(0):
            idle_connection = self._open.get(descriptor)
            if idle_connection is not None:  # None if an earlier hint has dropped the connection
                self._close(idle_connection)
                self._start_delay(idle_connection)
                self._hint(idle_connection.identity)

    def _handle_kernel_events(self) -> None:
        identities: set[str] = set()
        for loss in receive_losses(self._events):
            match loss:
                case NeighborFailed(neighbor):
                    identities |= self._by_next_hop.get(neighbor, set())
                case CarrierLost(interface):
                    for next_hop, users in self._by_next_hop.items():
                        if next_hop.interface == interface:
                            identities |= users
        for identity in identities:
            self._hint(identity)

    def _start_delay(self, idle_connection: _IdleConnection) -> None:
        now = monotonic()
        lasted = now - idle_connection.opened_at
        idle_connection.delay = reconnect_delay(lasted, idle_connection.delay)
        idle_connection.not_before = now + idle_connection.delay

    def _close(self, idle_connection: _IdleConnection) -> None:
        if idle_connection.socket is not None:
            del self._open[idle_connection.socket.fileno()]
            idle_connection.socket.close()  # this also removes it from the epoll
            idle_connection.socket = None
            self._forget_next_hop(idle_connection)

    def _forget_next_hop(self, idle_connection: _IdleConnection) -> None:
        if idle_connection.next_hop is not None:
            users = self._by_next_hop[idle_connection.next_hop]
            users.discard(idle_connection.identity)
            if not users:
                del self._by_next_hop[idle_connection.next_hop]
            idle_connection.next_hop = None
