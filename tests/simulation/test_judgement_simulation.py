"""Random events for a pool, one world per seed: the promises hold after every event."""

from __future__ import annotations

from pathlib import Path

import pytest
import structlog

from tests.simulation.pool_world import Clock, PoolWorld

SEEDS = 300
BLOCKS = 10


@pytest.fixture
def clock() -> Clock:
    """The clock of the world."""
    return Clock()


@pytest.mark.parametrize("block", range(BLOCKS))
def test_the_promises_about_a_pool_hold_for_any_events(
    block: int, clock: Clock, tmp_path: Path
) -> None:
    """When all servers pass again, every weight is the configured one."""
    with structlog.testing.capture_logs():
        for seed in range(block, SEEDS, BLOCKS):
            play(seed, clock, tmp_path / str(seed))


def play(seed: int, clock: Clock, directory: Path) -> PoolWorld:
    """Play one world. A broken promise is reported with the seed and the events so far."""
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
