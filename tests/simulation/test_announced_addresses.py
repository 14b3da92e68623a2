"""An address has a route while any director runs, and none after the last one has ended."""

from __future__ import annotations

import pytest

from tests.simulation.announced_addresses import World

SECONDS = 120.0
SEEDS = 500


@pytest.mark.parametrize("first", range(0, SEEDS, 100))
def test_the_promises_hold_in_random_worlds(first: int) -> None:
    """Kills, suspensions, stops and starts, blindness, unfitness and short pools."""
    found = {seed: World(seed).run(SECONDS) for seed in range(first, first + 100)}
    assert {seed: broken[0] for seed, broken in found.items() if broken} == {}
