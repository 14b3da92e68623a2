"""The course of every world: rounds of trouble, each followed by some calm."""

from __future__ import annotations

import random
from typing import Protocol

from tests.simulation.promises import Promises
from tests.simulation.world import World

ROUNDS = 4


class Course(Protocol):
    """What can go wrong in a world, and is made well again."""

    world: World
    random: random.Random
    promises: Promises

    def trouble(self) -> None:
        """One thing goes wrong, or is asked for."""

    def heal(self) -> None:
        """Nothing is broken any more; what an operator asked for stays."""


def play(course: Course, troubles_max: int) -> None:
    """Let a world live; raises BrokenPromiseError."""
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
    """Long enough for every bound to be looked at."""
    promises = course.promises
    course.world.run(course.world.now + promises.calm_after + promises.gap_limit)
