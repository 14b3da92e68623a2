"""A pool that anything happens to, one seed per world: it is judged as promised all the time."""

from __future__ import annotations

from pathlib import Path

import pytest
import structlog

from hadirector.director import pools, snapshot
from hadirector.health import verdicts
from tests.simulation.pool_world import Clock, PoolWorld

SEEDS = 300
BLOCKS = 10


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of all that remembers; nothing is logged."""
    made = Clock()
    for module in (verdicts, snapshot, pools):
        monkeypatch.setattr(module, "monotonic", lambda: made.now)
    return made


@pytest.mark.parametrize("block", range(BLOCKS))
def test_a_pool_is_judged_as_promised_whatever_happens(
    block: int, clock: Clock, tmp_path: Path
) -> None:
    """And when all is well again, every weight is as configured."""
    with structlog.testing.capture_logs():
        for seed in range(block, SEEDS, BLOCKS):
            play(seed, clock, tmp_path / str(seed))


def play(seed: int, clock: Clock, directory: Path) -> PoolWorld:
    """Play one world; a broken promise tells the seed, and the story so far."""
    clock.now = 5000.0
    world = PoolWorld(seed, clock, directory)
    try:
        world.run()
    except AssertionError as failure:
        failure.add_note(f"seed {seed}: {world.server}\n" + "\n".join(world.story))
        raise
    return world


def test_a_world_is_the_same_each_time_it_is_played(clock: Clock, tmp_path: Path) -> None:
    with structlog.testing.capture_logs():
        first = play(7, clock, tmp_path / "first")
        second = play(7, clock, tmp_path / "second")
    assert first.story == second.story
