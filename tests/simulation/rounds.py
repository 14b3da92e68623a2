"""The course of every world: rounds of trouble, each followed by calm."""

from __future__ import annotations

import random
from typing import Protocol

from tests.simulation.promises import Promises
from tests.simulation.world import World

ROUNDS = 4


class Course(Protocol):
    """The faults of a world, and their repair."""

    world: World
    random: random.Random
    promises: Promises

    def trouble(self) -> None:
        """Let one fault or order occur."""

    def heal(self) -> None:
        """Repair everything. Orders of an operator stay."""


def play(course: Course, troubles_max: int) -> None:
    """Play all rounds of a world. Raises BrokenPromiseError."""
    course.heal()
    settle(course)
    for _ in range(ROUNDS):
        for _ in range(course.random.randint(1, troubles_max)):
            pause = course.random.uniform(0.0, 1.5) * course.promises.gap_limit
            course.world.run(course.world.now + pause)
            course.trouble()
        settle(course)
        course.heal()
        settle(course)


def settle(course: Course) -> None:
    """Run the world long enough for every limit to be checked."""
    promises = course.promises
    course.world.run(course.world.now + promises.calm_after + promises.gap_limit)
