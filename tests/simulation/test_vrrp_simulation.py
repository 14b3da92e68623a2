"""Two to five routers on a bad link, one seed per world: DESIGN's promises 1 and 2 hold.

The faults are in `plan.py`, the promises with their limits in `promises.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import pytest

from tests.simulation.groups import GroupCourse
from tests.simulation.plan import OWNER_PRIORITY, Course
from tests.simulation.promises import CLOCK_SKEW, ROUNDING
from tests.simulation.rounds import settle
from tests.simulation.world import Node
from vrrp.model.report import State
from vrrp.router.event import (
    ConfigurationChanged,
    Event,
    HandoverRequested,
    PriorityChanged,
    Shutdown,
    StopRequested,
)
from vrrp.router.priority import Impairment

SEEDS = 2000
GROUP_SEEDS = 400
BLOCKS = 20


@contextmanager
def to_see_again(seed: int, world: str = "") -> Iterator[None]:
    """Add the command that plays the seed again to a failure."""
    try:
        yield
    except AssertionError as failure:
        failure.add_note(f"seed {seed}: make simulate SEED={seed}{world}")
        raise


@pytest.mark.parametrize("block", range(BLOCKS))
def test_the_promises_hold_whatever_fails(block: int) -> None:
    for seed in range(block, SEEDS, BLOCKS):
        with to_see_again(seed):
            Course(seed).run()


@pytest.mark.parametrize("block", range(BLOCKS))
def test_sync_groups_move_together_and_keep_the_promises(block: int) -> None:
    """Two hosts that would each win on one link do not alternate."""
    for seed in range(block, GROUP_SEEDS, BLOCKS):
        with to_see_again(seed, " WORLD=groups"):
            GroupCourse(seed).run()


class Calm:
    """A world in which all is well, with its one holder."""

    def __init__(self, seed: int, *, keeps_order: bool = False) -> None:
        self.course = Course(seed)
        self.world = self.course.world
        self.world.keeps_order |= keeps_order
        self.course.heal()
        settle(self.course)
        self.world.run(self.world.now + self.world.random.uniform(0.0, 3.0))
        (self.holder,) = self.holders()
        self.interval = self.holder.configuration.advert_interval

    def holders(self) -> list[Node]:
        return [node for node in self.world.nodes if node.holds(self.world.now)]

    def skew_of_successor(self) -> float:
        """Return the skew time of the highest remaining priority (RFC 9568 6.1, RFC 3768 6.1)."""
        others = [node.configuration for node in self.world.nodes if node is not self.holder]
        priority = max(each.priority for each in others)
        return (256 - priority) / 256 * (1.0 if others[0].version == 2 else self.interval)

    def time_without_holder(self, what: Callable[[], None]) -> float:
        """Return the seconds from ``what`` to the next holder."""
        taken: list[float] = []

        def state_changed(node: Node) -> None:
            if node.router.state is State.ACTIVE:
                taken.append(self.world.now)

        self.course.promises.trouble()
        self.world.state_changed = state_changed
        begin = self.world.now
        what()
        assert not self.holders()
        settle(self.course)
        return taken[0] - begin


def within_clock_skew(low: float, seconds: float, high: float, delay: float) -> bool:
    return (
        low / (1 + CLOCK_SKEW) - delay - ROUNDING
        <= seconds
        <= high / (1 - CLOCK_SKEW) + delay + ROUNDING
    )


def test_a_crash_costs_two_to_three_intervals_and_the_skew_time() -> None:
    """The skew time of the highest priority that is left. Some worlds have more intervals."""
    for seed in range(200):
        with to_see_again(seed):
            calm = Calm(seed)
            most = calm.course.down_timer_adverts
            seconds = calm.time_without_holder(lambda: calm.world.power_off(calm.holder))  # noqa: B023  (called at once)
            skew, interval = calm.skew_of_successor(), calm.interval
            slowest = calm.world.delay[1]
            shortest, longest = (most - 1) * interval + skew, most * interval + skew
            assert within_clock_skew(shortest, seconds, longest, slowest)


def test_a_stop_without_handover_costs_the_skew_time() -> None:
    """If an older advertisement does not overtake priority 0."""
    for seed in range(200):
        with to_see_again(seed):
            calm = Calm(seed, keeps_order=True)
            stop = Shutdown("at once")
            seconds = calm.time_without_holder(lambda: calm.world.deliver(calm.holder, stop))  # noqa: B023  (called at once)
            skew = calm.skew_of_successor()
            assert within_clock_skew(skew, seconds, skew, calm.world.delay[1])


@pytest.mark.parametrize("event", [HandoverRequested(), StopRequested("stopped")])
def test_a_handover_leaves_no_moment_without_a_holder(event: Event) -> None:
    """This holds for every successor, and for packets that arrive twice or in another order."""
    for seed in range(100):
        with to_see_again(seed):
            calm = Calm(seed)
            calm.course.promises.trouble()
            calm.course.promises.gap_limit = 0.0
            calm.world.deliver(calm.holder, event)
            settle(calm.course)
            assert calm.holder not in calm.holders()
            assert len(calm.holders()) == 1


@pytest.mark.parametrize("impairment", [Impairment.LOWERED, Impairment.UNFIT])
def test_an_impaired_router_hands_over_to_a_router_that_wins(impairment: Impairment) -> None:
    """Also if no router preempts. If none wins, it stays ACTIVE. Some router always holds.

    A router with a lowered priority does not look for a third router if the peer that it knows
    would lose.
    """
    moved = 0
    for seed in range(200):
        with to_see_again(seed):
            calm = Calm(seed, keeps_order=True)
            holder, world = calm.holder, calm.world
            if holder.router.priority == OWNER_PRIORITY:
                continue
            for node in world.nodes:
                without = msgspec.structs.replace(node.configuration, preempt=False)
                node.configuration = without
                world.deliver(node, ConfigurationChanged(without))
            calm.course.promises.trouble()
            calm.course.promises.gap_limit = 0.0
            priority = world.random.randint(1, holder.router.priority)
            winners = [
                node
                for node in world.nodes
                if node is not holder
                and (node.router.priority, node.address) > (priority, holder.address)
            ]
            peer = holder.router.better_peer.peer
            if impairment is Impairment.LOWERED and peer is not None:
                winners = [
                    node
                    for node in winners
                    if (peer.priority, peer.address) > (priority, holder.address)
                ]
            world.deliver(holder, PriorityChanged(priority, impairment))
            settle(calm.course)
            assert (holder in calm.holders()) == (not winners)
            assert len(calm.holders()) == 1
            moved += bool(winners)
    assert 50 < moved < 150
