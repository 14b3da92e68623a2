"""A link with routers, and a clock that jumps from event to event.

The routers are the real ones, and their messages cross the link encoded. The simulation has the
kernel, which holds addresses for their lifetime; clocks that differ; and a link that delays,
reorders, duplicates, loses and is partitioned.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable
from functools import lru_cache
from itertools import count

from vrrp.addresses.addresses import lifetime
from vrrp.model.configuration import InstanceConfiguration
from vrrp.model.report import State
from vrrp.protocol.packet import (
    MULTICAST_IPV4,
    MULTICAST_IPV6,
    Address,
    Advertisement,
    decode,
    encode,
)
from vrrp.protocol.validation import own_advertisement, validate
from vrrp.router.event import (
    AcquireAddresses,
    AdvertisementReceived,
    Event,
    ReleaseAddresses,
    SendAdvertisement,
    Startup,
    StateChanged,
    TimerExpired,
)
from vrrp.router.machine import Router

REFRESH_SECONDS = 0.5
ROUNDING = 1e-9
EVENTS_MAX = 200_000
"""Limit for one world.

A course of events needs a tenth of that, an endless exchange of packets more.
"""


class Node:
    """A host: its clock, its router's process, and the addresses in its kernel.

    ``side`` is its part of a partitioned ``link``. A host with several instances is several nodes,
    each on its own link.
    """

    def __init__(
        self,
        configuration: InstanceConfiguration,
        address: Address,
        clock: tuple[float, float],
        link: int = 0,
    ) -> None:
        self.configuration = configuration
        self.address = address
        self.link = link
        self.router = Router(configuration, address)
        self.running = False
        self.frozen = False
        self.side = 0
        self.refuses = False
        """Whether its kernel refuses questions, because no process owns the port for them."""
        self.last_arrival = 0.0
        self.socket: list[tuple[bytes, Address]] = []
        self.timer_at: float | None = None
        self._clock_rate, self._clock_start = clock
        self._added = False
        self._lease_until = 0.0

    def seeks_better_peer(self, now: float) -> bool:
        router = self.router
        return router.better_peer.is_sought(router.priority, router.own_address, self.local(now))

    def local(self, now: float) -> float:
        """Return the node's own monotonic time."""
        return self._clock_start + now * self._clock_rate

    def due(self) -> float | None:
        """Return the router's deadline in the world's time, never too early by rounding."""
        deadline = self.router.deadline
        return None if deadline is None else self.world_time(deadline)

    def world_time(self, local: float) -> float:
        """Return the world's time of a moment of this node's clock, never too early by rounding."""
        return (local - self._clock_start) / self._clock_rate + ROUNDING

    @property
    def working(self) -> bool:
        return self.running and not self.frozen

    def holds(self, now: float) -> bool:
        """Return whether its kernel answers for the addresses."""
        return self._added and (self.working or now < self._lease_until)

    def add_addresses(self) -> None:
        self._added = True

    def remove_addresses(self) -> None:
        self._added = False

    def leave_addresses(self, until: float) -> None:
        """Let the lifetime of the addresses run, because no process refreshes it."""
        self._lease_until = until

    def __str__(self) -> str:
        return f"{self.address} ({self.router.priority})"


class World:
    """Time, the link, and its events. ``trace`` gets a line for every important event."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.now = 0.0
        self.nodes: list[Node] = []
        self.loss = 0.0
        self.duplication = 0.0
        self.delay = (0.0001, 0.003)
        self.keeps_order = True
        self.deaf: set[tuple[Node, Node]] = set()
        """Pairs of sender and receiver between which every packet is lost."""
        self.trace: list[str] = []
        self.after_each: Callable[[], None] = lambda: None
        self.state_changed: Callable[[Node], None] = lambda _: None
        self.handled: Callable[[Node], None] = lambda _: None
        """Called when a node's router has handled an event."""
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    def note(self, what: str) -> None:
        self.trace.append(f"{self.now:9.4f} {what}")

    def at(self, time: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (time, next(self._order), what))

    def run(self, end: float) -> None:
        """Play everything due until ``end``, and check the world after each event."""
        while self._queue and self._queue[0][0] <= end:
            self.now, number, what = heapq.heappop(self._queue)
            assert number < EVENTS_MAX, "a storm of packets"
            what()
            self.after_each()
        self.now = end
        self.after_each()

    # Events of a host

    def start(self, node: Node, *, resume: bool = False) -> None:
        """Start a process, whose router begins at once."""
        start_delay = -math.inf if resume else node.configuration.start_delay
        self.prepare(node, start_delay)
        node.running = True
        self.deliver(node, Startup(resume=resume))

    def prepare(self, node: Node, start_delay: float = -math.inf) -> None:
        """Start a process, which removes the addresses of an earlier one, or takes them over."""
        listen_until = node.local(self.now) + start_delay
        node.router = Router(node.configuration, node.address, listen_until=listen_until)
        node.frozen, node.socket, node.refuses = False, [], False
        node.remove_addresses()

    def kill(self, node: Node) -> None:
        """End all processes; the kernel still holds the addresses, and refuses questions."""
        self._let_lease_run(node)
        node.running, node.refuses = False, True

    def power_off(self, node: Node) -> None:
        node.running = node.refuses = False
        node.remove_addresses()

    def freeze(self, node: Node) -> None:
        self._let_lease_run(node)
        node.frozen = True

    def thaw(self, node: Node) -> None:
        node.frozen = False
        self._wake(node)

    def deliver(self, node: Node, event: Event) -> None:
        """Deliver an event to a router, and perform its actions."""
        for action in node.router.handle(event, node.local(self.now)):
            match action:
                case SendAdvertisement(priority):
                    self._send(node, priority)
                case AcquireAddresses():
                    node.add_addresses()
                case ReleaseAddresses():
                    node.remove_addresses()
                case StateChanged(_, state, reason):
                    self.note(f"{node} {state}: {reason}")
                    node.running = state is not State.INITIALIZE
                    self.state_changed(node)
                case _:
                    pass
        self._arm(node)
        self.handled(node)

    def drain(self, node: Node) -> None:
        """Deliver the messages that wait in a node's socket."""
        waiting, node.socket = node.socket, []
        for message, source in waiting:
            self.receive(node, message, source)

    def _let_lease_run(self, node: Node) -> None:
        since_refresh = self.random.uniform(0.0, REFRESH_SECONDS)
        seconds = lifetime(node.configuration)
        node.leave_addresses(self.now + seconds - since_refresh)

    def _arm(self, node: Node) -> None:
        """Set the node's one timer; a later deadline is seen when the timer fires."""
        due = node.due()
        if due is not None and (node.timer_at is None or due < node.timer_at):
            node.timer_at = due
            self.at(max(due, self.now), lambda: self._time_out(node, due))

    def _time_out(self, node: Node, due: float) -> None:
        if node.timer_at != due:
            return  # an earlier timer has replaced it
        node.timer_at = None
        self._wake(node)

    def _wake(self, node: Node) -> None:
        """Deliver the waiting messages before the timer, as `vrrp.instance.instance` does."""
        if not node.working:
            return
        self.drain(node)
        due = node.due()
        if due is not None and due <= self.now:
            self.deliver(node, TimerExpired())
        self._arm(node)

    # Events of the link

    def message(self, sender: Node, priority: int) -> bytes:
        """Return the bytes that a node sends."""
        return _message(sender.configuration, sender.address, priority)

    def _send(self, sender: Node, priority: int) -> None:
        message = self.message(sender, priority)
        for node in self.nodes:
            if node is sender or node.link != sender.link or (sender, node) in self.deaf:
                continue
            copies = 2 if self.random.random() < self.duplication else 1
            for _ in range(copies):
                if self.loss == 0.0 or self.random.random() >= self.loss:
                    self._carry(sender, node, message)

    def _carry(self, sender: Node, node: Node, message: bytes) -> None:
        arrival, source = self.now + self.random.uniform(*self.delay), sender.address
        if self.keeps_order:
            arrival = node.last_arrival = max(arrival, node.last_arrival)

        def arrive() -> None:
            if node.running and node.side == sender.side:
                node.socket.append((message, source))
                self._wake(node)

        self.at(arrival, arrive)

    def receive(self, node: Node, message: bytes, source: Address) -> None:
        """Decode a message that has arrived at a node, and deliver it."""
        advertisement = _read(message, source)
        refused = validate(
            advertisement,
            source=source,
            destination=multicast(source),
            ttl=255,
            own_address=node.address,
            configuration=node.configuration,
        )
        assert refused is None, refused
        self.deliver(node, AdvertisementReceived(advertisement, source))


def multicast(source: Address) -> Address:
    return MULTICAST_IPV4 if source.version == 4 else MULTICAST_IPV6


@lru_cache(maxsize=4096)
def _message(configuration: InstanceConfiguration, source: Address, priority: int) -> bytes:
    return encode(own_advertisement(configuration, priority), source, multicast(source))


@lru_cache(maxsize=4096)
def _read(message: bytes, source: Address) -> Advertisement:
    return decode(message, source, multicast(source))
