"""The pair link fails in every way, and the promises hold. They are in `link.py`."""

from __future__ import annotations

import pytest

from tests.simulation.link_course import LinkCourse
from tests.simulation.test_vrrp_simulation import to_see_again

SEEDS = 20
BLOCKS = 10


@pytest.mark.parametrize("block", range(BLOCKS))
def test_the_promises_hold_whatever_happens_to_the_link(block: int) -> None:
    for seed in range(block, SEEDS, BLOCKS):
        with to_see_again(seed, " WORLD=link"):
            LinkCourse(seed).run()


@pytest.mark.parametrize("seed", range(4))
def test_a_link_alone_changes_nothing_in_an_election(seed: int) -> None:
    """The trace has every change of a state, with its time and its reason."""
    linked, plain = LinkCourse(seed, facts=False), LinkCourse(seed, linked=False)
    linked.run()
    plain.run()
    assert linked.link is not None
    assert linked.link.lowered == 0
    assert linked.states() == plain.states()
    assert len(plain.states()) > 20
