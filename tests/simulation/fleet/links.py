"""The links between the directors: partitions, lost messages, and who hears whom."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from tests.simulation.fleet.watchers import HEARD_SECONDS

if TYPE_CHECKING:
    from tests.simulation.fleet.director import Director
    from tests.simulation.fleet.world import World

LOSS: Final = 0.01
DELAYS: Final = (0.002, 0.03)
"""The shortest and the longest time of a message, in seconds."""


class Links:
    """Every director is on an island, and hears the directors on the same one."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.islands = [0] * world.layout.size.directors
        self._linked: dict[int, set[int]] = {}
        self._lost_at: dict[int, dict[int, float]] = defaultdict(dict)

    def begin(self) -> None:
        """Let every director hear all others."""
        self.refresh()

    def part(self, directors: list[int], island: int) -> None:
        """Move directors to an island."""
        for number in directors:
            self.islands[number] = island
        self.refresh()

    def peers(self, director: Director) -> list[Director]:
        """Return the other directors that a message reaches."""
        own = self.islands[director.number]
        return [
            each
            for each in self._world.directors
            if each.runs and each is not director and self.islands[each.number] == own
        ]

    def delay(self) -> float | None:
        """Return how long a message takes; None if it is lost."""
        random = self._world.random
        return None if random.random() < LOSS else random.uniform(*DELAYS)

    def refresh(self) -> None:
        """Find out who hears whom after a change. Lost directors count as heard for a while."""
        world, names = self._world, self._world.layout.names
        world.load.account()
        on_island: dict[int, set[int]] = defaultdict(set)
        for director in world.directors:
            if director.runs:
                on_island[self.islands[director.number]].add(director.number)
        any_lost = False
        for director in world.directors:
            if not director.runs:
                continue
            linked = on_island[self.islands[director.number]]
            lost_at = self._lost_at[director.number]
            for number in self._linked.get(director.number, set()) - linked:
                lost_at[number] = world.now
                any_lost = True
            self._linked[director.number] = linked
            for number in [each for each, at in lost_at.items() if world.now - at >= HEARD_SECONDS]:
                del lost_at[number]
            heard = frozenset(names[each] for each in linked | lost_at.keys())
            if heard != director.heard:
                director.heard = heard
                world.probing.pace_again(director)
        if any_lost:
            world.at(world.now + HEARD_SECONDS, self.refresh)
