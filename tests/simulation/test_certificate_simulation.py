"""Death certificates are never false, and shorten a takeover after a crash of all processes.

The promises are in `certificates.py`.
"""

from __future__ import annotations

import pytest

from tests.simulation.certificates import DIED, CertificateCourse, CertificateGroupCourse
from tests.simulation.rounds import settle
from tests.simulation.test_vrrp_simulation import to_see_again
from tests.simulation.world import Node
from vrrp.model.report import State

SEEDS = 120
GROUP_SEEDS = 20
BLOCKS = 10


@pytest.mark.parametrize("block", range(BLOCKS))
def test_no_living_router_is_taken_for_dead_and_the_promises_hold(block: int) -> None:
    takeovers = 0
    for seed in range(block, SEEDS, BLOCKS):
        with to_see_again(seed, " WORLD=certificates"):
            course = CertificateCourse(seed)
            course.run()
            takeovers += course.inquiries.takeovers
    assert takeovers > 0


@pytest.mark.parametrize("block", range(BLOCKS))
def test_sync_groups_take_over_together_after_a_death(block: int) -> None:
    for seed in range(block, GROUP_SEEDS, BLOCKS):
        with to_see_again(seed, " WORLD=certificate_groups"):
            CertificateGroupCourse(seed).run()


def test_a_crash_costs_at_most_an_interval_and_the_skew_time() -> None:
    """An advertisement counts as missed after 1.1 intervals. Two questions cost four delays."""
    shortened = 0
    for seed in range(50):
        with to_see_again(seed, " WORLD=certificates"):
            course = CertificateCourse(seed)
            if course.inquiries.forged or len(set(course.intervals)) > 1:
                continue
            course.heal()
            settle(course)
            world, now = course.world, course.world.now
            world.run(now + world.random.uniform(0.0, 3.0))
            (holder,) = [node for node in world.nodes if node.holds(world.now)]
            followers = [node for node in world.nodes if course.inquiries.trusts(node, holder)]
            if not followers:
                continue
            skews = [node.router.skew_time for node in followers]
            limit = 1.1 * course.intervals[0] + min(skews) + 5 * world.delay[1]
            taken: list[tuple[float, str]] = []

            def state_changed(node: Node) -> None:
                if node.router.state is State.ACTIVE:
                    reason = node.router.following.takeover_reason
                    taken.append((world.now, reason))  # noqa: B023  (called in this round)

            world.state_changed = state_changed
            course.promises.trouble()
            began = world.now
            world.kill(holder)
            settle(course)
            at, reason = taken[0]
            assert at - began <= limit * 1.02
            shortened += reason == DIED
    assert shortened > 10
