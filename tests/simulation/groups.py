"""A world of sync groups: hosts with an instance on each of several links, moving together.

`vrrp.router.sync_group` decides, as in a director. The code here is that of
`vrrp.instance.sync_group`.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address

from tests.simulation.promises import CLOCK_SKEW, BrokenPromiseError, Promises
from tests.simulation.rounds import play
from tests.simulation.world import Node, World
from vrrp.model.configuration import InstanceConfiguration
from vrrp.model.report import State
from vrrp.router.event import (
    BetterPeerSought,
    GroupBecomesActive,
    HandoverRequested,
    HandoverUndone,
    PriorityChanged,
    StopRequested,
)
from vrrp.router.priority import Impairment
from vrrp.router.sync_group import MemberStatus, decide

PRIORITIES = [1, 50, 100, 100, 101, 200, 254]


class Host:
    """The nodes of one process. Some of them may have no carrier."""

    def __init__(self, world: World, nodes: list[Node]) -> None:
        self.nodes = {node.configuration.name: node for node in nodes}
        self._process = False
        self._world = world
        self._without_carrier: set[Node] = set()
        self._leaving = False
        self._resume = False
        self._settling = False
        self.handover_began: Callable[[Node], None] = lambda _: None

    @property
    def alive(self) -> bool:
        """Whether there is a process that has not handed over yet."""
        states = {node.router.state for node in self.nodes.values()}
        return self._process and not (self._leaving and states == {State.INITIALIZE})

    @property
    def frozen(self) -> bool:
        return any(node.frozen for node in self.nodes.values())

    @property
    def active(self) -> bool:
        return any(node.router.state is State.ACTIVE for node in self.nodes.values())

    def start(self, *, resume: bool = False) -> None:
        """Start a process; its instances join one after the other."""
        self._process, self._resume, self._leaving = True, resume, False
        for node in self.nodes.values():
            self._world.prepare(node)
        self.settle()

    def kill(self) -> None:
        self._process = False
        for node in self.nodes.values():
            self._world.kill(node)

    def power_off(self) -> None:
        self._process = False
        for node in self.nodes.values():
            self._world.power_off(node)

    def freeze(self) -> None:
        for node in self.nodes.values():
            if node.running:
                self._world.freeze(node)

    def thaw(self) -> None:
        """Continue all nodes; then each looks at its clock in turn."""
        frozen = [node for node in self.nodes.values() if node.frozen]
        for node in frozen:
            node.frozen = False
        for node in frozen:
            self._world.thaw(node)

    def stop(self) -> None:
        """Hand over every instance separately.

        An instance in a handover is no longer part of the group.
        """
        self._leaving = True
        for node in self.nodes.values():
            self._world.deliver(node, StopRequested("told to"))

    def lose_carrier(self, node: Node) -> None:
        """Take the carrier of a node, so that its last advertisement is lost."""
        others = [other for other in self._world.nodes if other is not node]
        cut = {(node, other) for other in others} - self._world.deaf
        self._world.deaf |= cut
        self._without_carrier.add(node)
        self.settle()
        self._world.deaf -= cut

    def regain_carrier(self) -> None:
        self._without_carrier.clear()
        self.settle()

    def settle(self) -> None:
        """Deliver the events that follow from the members' states, until there are none."""
        if self._settling or not self.alive or self._leaving or self.frozen:
            return
        self._settling = True
        while events := decide([self._member(name) for name in self.nodes]):
            if GroupBecomesActive() in events.values() and not self._still_wanted():
                continue
            for name, event in events.items():
                if isinstance(event, BetterPeerSought):
                    self.handover_began(self.nodes[name])
                self._world.deliver(self.nodes[name], event)
        self._resume = False
        self._settling = False
        self._check()

    def _member(self, name: str) -> MemberStatus:
        node = self.nodes[name]
        return MemberStatus(
            name=name,
            state=node.router.state,
            fault="link_down" if node in self._without_carrier else None,
            resume=self._resume,
            ready=node.router.ready,
            handing_over=node.router.handing_over,
            seeks_better_peer=node.seeks_better_peer(self._world.now),
        )

    def _still_wanted(self) -> bool:
        for node in self.nodes.values():
            self._world.drain(node)
        return all(node.router.ready for node in self.nodes.values())

    def _check(self) -> None:
        """Raise BrokenPromiseError unless all are ACTIVE, or every ACTIVE one is in a handover."""
        routers = [node.router for node in self.nodes.values()]
        active = [each for each in routers if each.state is State.ACTIVE]
        if len(active) < len(routers) and not all(each.handing_over for each in active):
            names = ", ".join(str(node) for node in self.nodes.values())
            raise BrokenPromiseError(f"{names} do not move together at {self._world.now:.4f}")


class GroupCourse:
    """The events in one world of hosts with several instances each, from one seed."""

    def __init__(self, seed: int) -> None:
        self.world = World(seed)
        self.random = chance = self.world.random
        self._interval = chance.choice([0.1, 0.5, 1.0])
        slowest = chance.choice([0.003, 0.003, 0.02]) * self._interval
        self.world.delay = (slowest / 10, slowest)
        links = chance.randint(2, 3)
        addresses = [chance.sample(range(1, 10), 4) for _ in range(links)]
        self.hosts = [self._host(number, addresses) for number in range(chance.randint(2, 4))]
        self.world.nodes = [node for host in self.hosts for node in host.nodes.values()]
        self.promises = Promises(
            self.world,
            interval=self._interval,
            longest_skew=2
            * self._interval,  # with the additional wait of a group that stepped back
            preempt_delay=0.0,
            start_delay=0.0,
        )
        self.world.after_each = self.promises.check
        self.world.state_changed = self.promises.state_changed
        self.world.handled = lambda node: self._host_of(node).settle()
        for host in self.hosts:
            host.handover_began = self.promises.handover_began

    def _host(self, number: int, addresses: list[list[int]]) -> Host:
        chance = self.random
        rate, start = chance.uniform(1 - CLOCK_SKEW, 1 + CLOCK_SKEW), chance.uniform(0.0, 1000.0)
        preempt = chance.random() < 0.7
        priorities = [chance.choice(PRIORITIES)] * len(addresses)
        if chance.random() < 0.2:
            priorities = chance.choices(PRIORITIES, k=len(addresses))
        nodes = [
            Node(
                InstanceConfiguration(
                    name=f"web{link}",
                    interface=f"eth{link}",
                    virtual_router_id=51,
                    virtual_addresses=(f"10.{link}.0.100/32",),
                    priority=priorities[link],
                    preempt=preempt,
                    advert_interval=self._interval,
                    sync_group="both",
                ),
                IPv4Address(f"10.{link}.0.{order[number]}"),
                (rate, start),
                link,
            )
            for link, order in enumerate(addresses)
        ]
        return Host(self.world, nodes)

    def _host_of(self, node: Node) -> Host:
        return next(host for host in self.hosts if node in host.nodes.values())

    def run(self) -> None:
        """Play rounds of trouble, each followed by calm."""
        play(self, 3)

    def trouble(self) -> None:
        """Let one fault or order befall one host."""
        host = self.random.choice(self.hosts)
        name, happen = self.random.choice(self._possible(host))
        self.world.note(f"{', '.join(str(node) for node in host.nodes.values())} --- {name}")
        self.promises.trouble()
        happen()

    def heal(self) -> None:
        """Repair everything. Orders of an operator stay."""
        self.world.note("--- everything is well")
        self.promises.trouble()
        for host in self.hosts:
            for node in host.nodes.values():
                node.side = 0
            host.regain_carrier()
            if not host.alive:
                host.start()
            host.thaw()
            for node in host.nodes.values():
                if node.router.better_peer.impairment is not Impairment.NONE:
                    priority = node.configuration.priority
                    self.world.deliver(node, PriorityChanged(priority))

    def _possible(self, host: Host) -> list[tuple[str, Callable[[], None]]]:
        if not host.alive:
            return [("starts", host.start)]
        if host.frozen:
            return [("thaws", host.thaw)]
        nodes = list(host.nodes.values())
        return [
            ("loses power", host.power_off),
            ("is killed", host.kill),
            ("is killed and resumes", lambda: self._resume_soon(host)),
            ("freezes", host.freeze),
            ("loses a carrier", lambda: host.lose_carrier(self.random.choice(nodes))),
            ("stops", host.stop),
            ("hands over", lambda: self._tell(host, HandoverRequested())),
            ("competes again", lambda: self._tell(host, HandoverUndone())),
            ("is not fit to serve", lambda: self._make_unfit(host)),
            ("changes sides", lambda: self._change_sides(host)),
        ]

    def _tell(self, host: Host, event: HandoverRequested | HandoverUndone) -> None:
        for node in host.nodes.values():
            self.world.deliver(node, event)

    def _make_unfit(self, host: Host) -> None:
        for node in host.nodes.values():
            self.world.deliver(node, PriorityChanged(1, Impairment.UNFIT))

    def _change_sides(self, host: Host) -> None:
        for node in host.nodes.values():
            node.side = 1 - node.side

    def _resume_soon(self, host: Host) -> None:
        resume = host.active
        host.kill()

        def resumed() -> None:
            if not host.alive:
                self.promises.trouble()
                host.start(resume=resume)

        self.world.at(self.world.now + self.random.uniform(0.05, 0.5), resumed)
