"""How many probes the backends receive. Probes without a consequence are counted by their rate."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tests.simulation.fleet.layout import TIMING
from tests.simulation.fleet.watchers import INDEPENDENT_MAX, SLOW_INTERVAL, WATCHERS

if TYPE_CHECKING:
    from tests.simulation.fleet.director import Director
    from tests.simulation.fleet.world import World


class ProbeLoad:
    """The probes of a backend, on average of all backends, and the extra ones of each of them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._at = 0.0
        self.regular = 0.0
        self.peak = 0.0
        self.extra: Counter[str] = Counter()

    def account(self) -> None:
        """Count the regular probes since the last call. Call it before a rate changes."""
        world = self._world
        seconds, self._at = world.now - self._at, world.now
        if seconds > 0.0:
            rate = sum(rate_of(each) for each in world.directors if each.runs)
            self.regular += rate * seconds
            self.peak = max(self.peak, rate)

    def per_second(self) -> float:
        """Return the probes per second of the backend with the most extra probes."""
        return (self.regular + max(self.extra.values(), default=0)) / self._at


def rate_of(director: Director) -> float:
    """Return the probes per second of a director at a backend, on average of all backends."""
    share = watched_share(len(director.layout.names), len(director.heard))
    return share / TIMING.interval + (1 - share) / SLOW_INTERVAL


def watched_share(directors: int, heard: int) -> float:
    """Return the share of the targets that a director watches if it hears this many directors."""
    if directors <= INDEPENDENT_MAX or heard <= 1:
        return 1.0
    return min(1.0, WATCHERS / heard)
