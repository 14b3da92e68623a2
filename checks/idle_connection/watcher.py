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
    NeighbourFailed,
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


class _Sentinel:
    """One target's connection, or the memory of how long the last one lasted."""

    __slots__ = ("gap", "identity", "made", "open_after", "opened_at", "way")

    def __init__(self, identity: str) -> None:
        self.identity = identity
        self.made: socket.socket | None = None
        self.opened_at = 0.0
        self.open_after = 0.0
        self.gap = 0.0
        self.way: Way | None = None


class Sentinels:
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
        self._sentinels: dict[str, _Sentinel] = {}
        self._open: dict[int, _Sentinel] = {}
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
        sentinel = self._sentinels.get(identity)
        if sentinel is None:
            sentinel = self._sentinels[identity] = _Sentinel(identity)
        now = monotonic()
        if sentinel.made is None and now >= sentinel.open_after and len(self) < self._count_max:
            sentinel.opened_at = now
            self._connect(sentinel, definition)

    def drop(self, identity: str) -> None:
        """Close the connection to a target, and forget about it."""
        sentinel = self._sentinels.pop(identity, None)
        if sentinel is not None:
            self._close(sentinel)

    def close(self) -> None:
        """Close all."""
        for identity in tuple(self._sentinels):
            self.drop(identity)
        for watched in (self._epoll, self._events):
            self._loop.remove_reader(watched)
            watched.close()

    def _connect(self, sentinel: _Sentinel, definition: CheckDefinition) -> None:
        try:
            made = open_socket(definition, socket.SOCK_STREAM)
        except (OSError, ProbeFailedError):  # a want of this host: its probes tell of it
            self._ended(sentinel)
            return
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_SECONDS)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_SECONDS)
        if made.connect_ex((definition.destination, definition.port)) not in (0, errno.EINPROGRESS):
            made.close()
            self._ended(sentinel)
            return
        sentinel.made = made
        sentinel.way = way = way_to(definition.destination)
        if way is not None:
            self._by_way.setdefault(way, set()).add(sentinel.identity)
        self._open[made.fileno()] = sentinel
        self._epoll.register(made, _ENDS)

    def _poll(self) -> None:
        for number, _ in self._epoll.poll(0):
            sentinel = self._open.get(number)
            if sentinel is not None:  # else the hint before has dropped it
                self._close(sentinel)
                self._ended(sentinel)
                self._hint(sentinel.identity)

    def _hear(self) -> None:
        hinted: set[str] = set()
        for loss in read_losses(self._events):
            match loss:
                case NeighbourFailed(neighbour):
                    hinted |= self._by_way.get(neighbour, set())
                case CarrierLost(interface):
                    ways = (way for way in self._by_way if way.interface == interface)
                    hinted.update(*(self._by_way[way] for way in ways))
        for identity in hinted:
            self._hint(identity)

    def _ended(self, sentinel: _Sentinel) -> None:
        now = monotonic()
        sentinel.gap = gap_after(now - sentinel.opened_at, sentinel.gap)
        sentinel.open_after = now + sentinel.gap

    def _close(self, sentinel: _Sentinel) -> None:
        if sentinel.made is not None:
            del self._open[sentinel.made.fileno()]
            sentinel.made.close()  # which takes it out of the epoll
            sentinel.made = None
            self._leave_way(sentinel)

    def _leave_way(self, sentinel: _Sentinel) -> None:
        if sentinel.way is not None:
            others = self._by_way[sentinel.way]
            others.discard(sentinel.identity)
            if not others:
                del self._by_way[sentinel.way]
            sentinel.way = None
