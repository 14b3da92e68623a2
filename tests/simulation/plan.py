"""A world from one seed: its routers, the quality of its link, and a course of faults."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

import msgspec

from tests.simulation.promises import CLOCK_SKEW, Promises
from tests.simulation.rounds import play
from tests.simulation.world import Node, World
from vrrp.model.configuration import InstanceConfiguration
from vrrp.model.report import State
from vrrp.protocol.packet import Address
from vrrp.router.event import (
    BetterPeerSought,
    ConfigurationChanged,
    HandoverRequested,
    HandoverUndone,
    OwnAddressChanged,
    PriorityChanged,
    Shutdown,
    StopRequested,
)
from vrrp.router.priority import Impairment
from vrrp.router.sync_group import MemberStatus, decide

VIRTUAL_ADDRESSES = {4: ("10.99.0.100/32",), 6: ("fe80::100/64", "2001:db8::100/64")}
OWNER_PRIORITY = 255  # RFC 9568 5.2.4
PRIORITIES = [1, 50, 100, 100, 101, 200, 254, OWNER_PRIORITY]


class Course:
    """The events in one world, from one seed."""

    def __init__(self, seed: int) -> None:
        self.world = World(seed)
        self._addresses = 0
        self.random = chance = self.world.random
        version_2 = chance.random() < 0.25
        self.family = 6 if not version_2 and chance.random() < 0.3 else 4
        interval = 1.0 if version_2 else chance.choice([0.1, 0.5, 1.0])
        self.intervals = [interval]
        if not version_2 and chance.random() < 0.3:
            self.intervals += [interval / 2, interval * 2]
        start_delay = 2 * interval if chance.random() < 0.2 else 0.0
        # Every eighth world tolerates longer pauses. Its other choices stay those of its seed.
        self.down_timer_adverts = (5, 10)[seed // 8 % 2] if seed % 8 == 7 else 3
        self.start_delays = [0.0, start_delay]
        self._choose_link(min(self.intervals))
        self.world.nodes = [self._node(number, version_2) for number in range(chance.randint(2, 5))]
        longest = max(self.intervals)
        skew = 1.0 if version_2 else longest
        self.promises = Promises(
            self.world,
            interval=longest,
            longest_skew=skew,
            preempt_delay=2 * interval,
            start_delay=start_delay,
            down_timer_adverts=self.down_timer_adverts,
        )
        self.world.after_each = self.promises.check
        self.world.state_changed = self.promises.state_changed
        self.world.handled = self._seek_better_peer

    def _choose_link(self, shortest: float) -> None:
        """Choose a link: mostly a good one, or one that reorders, duplicates or delays packets."""
        slowest = self.random.choice([0.003, 0.003, 0.02, 0.2]) * shortest
        self.world.delay = (slowest / 10, slowest)
        self.world.duplication = self.random.choice([0.0, 0.0, 0.2])
        self.world.keeps_order = self.random.random() < 0.7

    def _node(self, number: int, version_2: bool) -> Node:
        chance = self.random
        configuration = InstanceConfiguration(
            name="web",
            interface="eth0",
            virtual_router_id=51,
            virtual_addresses=VIRTUAL_ADDRESSES[self.family],
            version=2 if version_2 else 3,
            priority=chance.choice(PRIORITIES),
            advert_interval=chance.choice(self.intervals),
            preempt=chance.random() < 0.7,
            preempt_delay=chance.choice([0.0, 0.0, 0.0, 2 * self.intervals[0]]),
            start_delay=chance.choice(self.start_delays),
            down_timer_adverts=self.down_timer_adverts,
        )
        rate = chance.uniform(1 - CLOCK_SKEW, 1 + CLOCK_SKEW)
        address = self._address(0, number + 1)
        return Node(configuration, address, (rate, chance.uniform(0.0, 1000.0)))

    def _address(self, high: int, low: int) -> Address:
        if self.family == 4:
            return IPv4Address(f"10.99.{high}.{low}")
        return IPv6Address(f"fe80::{high:x}:{low:x}")

    def run(self) -> None:
        """Play rounds of trouble, each followed by calm."""
        play(self, 4)

    def trouble(self) -> None:
        """Let one fault or order befall one node or the link."""
        node = self.random.choice(self.world.nodes)
        name, happen = self.random.choice(self._possible(node))
        self.world.note(f"{node} --- {name}")
        self.promises.trouble()
        happen()

    def heal(self) -> None:
        """Repair everything. Orders of an operator stay."""
        world = self.world
        world.note("--- everything is well")
        self.promises.trouble()
        world.loss = 0.0
        world.deaf.clear()
        for node in world.nodes:
            node.side = 0
            if not node.running:
                world.start(node)
            if node.frozen:
                world.thaw(node)
            if node.router.better_peer.impairment is not Impairment.NONE:
                world.deliver(node, PriorityChanged(node.configuration.priority))

    def _seek_better_peer(self, node: Node) -> None:
        """Deliver the event that the sync group of one instance would decide."""
        router = node.router
        if not node.seeks_better_peer(self.world.now):
            return
        member = MemberStatus(
            "web", router.state, handing_over=router.handing_over, seeks_better_peer=True
        )
        if decide([member]) == {"web": BetterPeerSought()}:
            self.promises.handover_began(node)
            self.world.deliver(node, BetterPeerSought())

    def _possible(self, node: Node) -> list[tuple[str, Callable[[], None]]]:
        world, chance = self.world, self.random
        if not node.running:
            return [("starts", lambda: world.start(node))]
        if node.frozen:
            return [("thaws", lambda: world.thaw(node))]
        return [
            ("loses power", lambda: world.power_off(node)),
            ("is killed", lambda: world.kill(node)),
            ("is killed and resumes", lambda: self._resume_soon(node)),
            ("freezes", lambda: world.freeze(node)),
            ("loses its link", lambda: self._lose_link(node)),
            ("stops", lambda: world.deliver(node, StopRequested("told to"))),
            ("hands over", lambda: world.deliver(node, HandoverRequested())),
            ("competes again", lambda: world.deliver(node, HandoverUndone())),
            ("gets another configuration", lambda: self._reconfigure(node)),
            ("gets another priority", lambda: self._move_priority(node)),
            ("is not fit to serve", lambda: self._make_unfit(node)),
            ("gets another address", lambda: self._readdress(node)),
            ("changes sides", lambda: setattr(node, "side", 1 - node.side)),
            ("cannot reach one router", lambda: self._deafen(node)),
            ("all lose packets", lambda: setattr(world, "loss", chance.choice([0.1, 0.5, 0.9]))),
        ]

    def _resume_soon(self, node: Node) -> None:
        world, resume = self.world, node.router.state is State.ACTIVE
        world.kill(node)

        def resumed() -> None:
            if not node.running:
                self.promises.trouble()
                world.start(node, resume=resume)

        world.at(world.now + self.random.uniform(0.05, 0.5), resumed)

    def _lose_link(self, node: Node) -> None:
        """Cut the link of a node, so that its last advertisement is lost."""
        others = [other for other in self.world.nodes if other is not node]
        cut = {(node, other) for other in others} - self.world.deaf
        self.world.deaf |= cut
        self.world.deliver(node, Shutdown("link_down"))
        self.world.deaf -= cut

    def _reconfigure(self, node: Node) -> None:
        node.configuration = msgspec.structs.replace(
            node.configuration,
            priority=self.random.choice(PRIORITIES),
            advert_interval=self.random.choice(self.intervals),
            preempt=self.random.random() < 0.7,
        )
        self.world.deliver(node, ConfigurationChanged(node.configuration))

    def _move_priority(self, node: Node) -> None:
        """Change the priority through tracking, which an owner does not have (RFC 9568 5.2.4)."""
        if node.configuration.priority < OWNER_PRIORITY:
            world, priority = self.world, self.random.randint(1, OWNER_PRIORITY - 1)
            lowered = priority < node.configuration.priority
            impairment = Impairment.LOWERED if lowered else Impairment.NONE
            world.deliver(node, PriorityChanged(priority, impairment))

    def _make_unfit(self, node: Node) -> None:
        """Give a node that is not an owner the lowest priority, as a host that cannot serve."""
        if node.configuration.priority < OWNER_PRIORITY:
            self.world.deliver(node, PriorityChanged(1, Impairment.UNFIT))

    def _readdress(self, node: Node) -> None:
        """Give a node a new address, so that a tie may be decided otherwise."""
        self._addresses += 1
        node.address = self._address(self.random.randint(1, 9), self._addresses)
        self.world.deliver(node, OwnAddressChanged(node.address))

    def _deafen(self, node: Node) -> None:
        other = self.random.choice([other for other in self.world.nodes if other is not node])
        self.world.deaf.add((node, other))
