"""Worlds in which routers with death certificates ask the router that they follow.

The decisions are those of `vrrp.router.death_certificate`. A question and its answer cross the link
like advertisements: they are delayed, duplicated, lost and cut off. The host decides the answer:

- a process that works answers; some routers have no such port, so their kernel refuses;
- a frozen process, a host without power and a host without a link are silent;
- the kernel of a host whose processes are all dead refuses. While a director restarts its vrrp
  process, which then resumes, it holds the port: that host is silent, too.

In some worlds an attacker on the link refuses questions and answers them for every router. In these
worlds no advertisement is late: a late one counts as lost.

- **A death certificate is never false**: it follows at most half an interval after a moment in
  which the kernel of the followed router refused. The attacker is the only exception.
- **All promises of `promises.py` hold**, also with the attacker. The promises exclude a link that
  loses packets: only there a forged certificate may lead to two ACTIVE routers.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.simulation.groups import GroupCourse, Host
from tests.simulation.plan import Course
from tests.simulation.promises import BrokenPromiseError
from tests.simulation.world import ROUNDING, Node, World
from vrrp.model.report import State
from vrrp.protocol.packet import Address
from vrrp.router.death_certificate import DeathWatch
from vrrp.router.event import ActiveRouterDied

PUNCTUAL = 0.02
"""The longest delay in advertisement intervals with which no advertisement is late (0.1)."""
DIED = "the vrrp process of the active router died"


class Inquiries:
    """The death watches of all nodes of a world, and the questions on the link."""

    def __init__(self, world: World, without: set[Node], *, forged: float) -> None:
        self._world = world
        self._without = without
        self.forged = forged
        self._watches: dict[Node, DeathWatch] = {}
        self._timers: dict[Node, float] = {}
        self._refused_until: dict[Node, float] = {}
        self.takeovers = 0
        """The number of takeovers because of a death certificate."""

    def settle(self, node: Node) -> None:
        """Let the watch of a node see what its router follows now, and set its timer."""
        if node in self._without:
            return
        watch = self._watches.setdefault(node, DeathWatch())
        watch.follow(node.router.active_router if node.running else None)
        self._arm(node, watch)

    def note_state(self, node: Node) -> None:
        """Count the takeovers because of a certificate."""
        router = node.router
        active = router.state is State.ACTIVE
        self.takeovers += active and router.following.takeover_reason == DIED

    def _check_death(self, node: Node, address: Address, interval: float) -> None:
        """Raise BrokenPromiseError if a certificate is false."""
        dead = self._find(address)
        if self.forged or dead is None or dead.refuses:
            return
        since = self._world.now - self._refused_until.get(dead, 0.0)
        if since > 0.5 * interval * 1.02 + ROUNDING:
            raise BrokenPromiseError(
                f"{node} took {dead} for dead at {self._world.now:.4f}, {since:.4f} s too late"
            )

    def trusts(self, node: Node, asked: Node) -> bool:
        """Return whether a node follows this one, which has answered a question of it."""
        watch = self._watches.get(node)
        followed = None if watch is None else watch.followed
        return (
            watch is not None
            and followed is not None
            and followed.address == asked.address
            and watch.answered_at > node.local(self._world.now) - 15 * followed.advert_interval
        )

    def note_refusing(self) -> None:
        """Remember the latest moment in which each kernel refuses."""
        for node in self._world.nodes:
            if node.refuses:
                self._refused_until[node] = self._world.now

    def _arm(self, node: Node, watch: DeathWatch) -> None:
        if watch.ask_at is None:
            return
        due = max(self._world.now, node.world_time(watch.ask_at))
        if due < self._timers.get(node, due + 1.0):
            self._timers[node] = due
            self._world.at(due, lambda: self._time_out(node, due))

    def _time_out(self, node: Node, due: float) -> None:
        if self._timers.get(node) != due:
            return
        del self._timers[node]
        watch, world = self._watches[node], self._world
        if not node.running:
            return
        if node.frozen:
            self._timers[node] = world.now + 0.1
            world.at(world.now + 0.1, lambda: self._time_out(node, world.now))
            return
        local = node.local(world.now)
        if watch.ask(local):
            assert watch.followed is not None
            self._ask(node, watch.followed.address, local)
        self._arm(node, watch)

    def _ask(self, node: Node, address: Address, asked_at: float) -> None:
        """Send a question, which reaches the host that has the address when it arrives."""
        chance = self._world.random
        if self.forged and chance.random() < self.forged:
            refused = chance.random() < 0.7
            self._after_delay(lambda: self._hear(node, address, asked_at, refused=refused))

        def arrive() -> None:
            asked = self._find(address)
            if asked is None or not self._connects(node, asked):
                return
            if asked.working or asked.refuses:
                refused = not asked.working or asked in self._without
                self._carry(
                    asked, node, lambda: self._hear(node, address, asked_at, refused=refused)
                )

        asked = self._find(address)
        if asked is not None:
            self._carry(node, asked, arrive)

    def _hear(self, node: Node, address: Address, asked_at: float, *, refused: bool) -> None:
        world, watch = self._world, self._watches[node]
        if not node.running or watch.followed is None or watch.followed.address != address:
            return
        if node.frozen:
            self._world.at(
                world.now + 0.01, lambda: self._hear(node, address, asked_at, refused=refused)
            )
            return
        now = node.local(world.now)
        if not refused:
            watch.note_answer(now)
        elif watch.note_refusal(asked_at, now):
            self._check_death(node, address, watch.followed.advert_interval)
            world.deliver(node, ActiveRouterDied(address))
        self._arm(node, watch)

    def _carry(self, sender: Node, receiver: Node, arrive: Callable[[], None]) -> None:
        world = self._world
        if (sender, receiver) in world.deaf:
            return
        copies = 2 if world.random.random() < world.duplication else 1
        for _ in range(copies):
            if world.random.random() >= world.loss and self._connects(sender, receiver):
                self._after_delay(arrive)

    def _after_delay(self, arrive: Callable[[], None]) -> None:
        delay = self._world.random.uniform(*self._world.delay)
        self._world.at(self._world.now + delay, arrive)

    def _connects(self, one: Node, other: Node) -> bool:
        return one.link == other.link and one.side == other.side

    def _find(self, address: Address) -> Node | None:
        return next((node for node in self._world.nodes if node.address == address), None)


class CertificateCourse(Course):
    """A course of events among routers of which most have death certificates."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        punctual = self.world.delay[1] <= PUNCTUAL * min(self.intervals)
        forged = self.random.choice([0.0, 0.3, 1.0]) if punctual else 0.0
        without = {node for node in self.world.nodes if self.random.random() < 0.2}
        self.inquiries = Inquiries(self.world, without, forged=forged)
        promises = self.promises

        def after_each() -> None:
            self.inquiries.note_refusing()
            promises.check()

        def state_changed(node: Node) -> None:
            if node.router.state is State.INITIALIZE:
                node.refuses = True  # the process ends
            self.inquiries.note_state(node)
            promises.state_changed(node)

        self.world.after_each = after_each
        self.world.state_changed = state_changed
        self.world.handled = self._settle

    def _settle(self, node: Node) -> None:
        self._seek_better_peer(node)
        self.inquiries.settle(node)

    def _lose_link(self, node: Node) -> None:
        super()._lose_link(node)
        node.refuses = False

    def _resume_soon(self, node: Node) -> None:
        """Restart the vrrp process while its director holds the port."""
        super()._resume_soon(node)
        node.refuses = False


class CertificateGroupCourse(GroupCourse):
    """The same in a world of sync groups."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.inquiries = Inquiries(self.world, set(), forged=0.0)
        check, state_changed = self.promises.check, self.promises.state_changed

        def after_each() -> None:
            self.inquiries.note_refusing()
            check()

        def note_state(node: Node) -> None:
            self.inquiries.note_state(node)
            state_changed(node)

        def handled(node: Node) -> None:
            self._host_of(node).settle()
            self.inquiries.settle(node)

        self.world.after_each = after_each
        self.world.state_changed = note_state
        self.world.handled = handled

    def _resume_soon(self, host: Host) -> None:
        """Restart the vrrp process while its director holds the ports."""
        super()._resume_soon(host)
        for node in host.nodes.values():
            node.refuses = False
