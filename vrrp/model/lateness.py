"""A histogram of how late advertisements were sent. It has a fixed number of buckets."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

import msgspec

BOUNDS: Final = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Upper bounds of the buckets in seconds. One more bucket counts everything above them."""


class LatenessHistogram(msgspec.Struct, frozen=True):
    """A snapshot of the histogram of all advertisements that were sent.

    ``counts[i]`` is the number of advertisements that were at most ``bounds[i]`` seconds late
    and later than the previous bound. The last count has no upper bound. ``total`` and
    ``longest`` are in seconds.
    """

    counts: tuple[int, ...] = (0,) * (len(BOUNDS) + 1)
    bounds: tuple[float, ...] = BOUNDS
    total: float = 0.0
    longest: float = 0.0


class Lateness:
    """Counts how late advertisements are sent, from the creation of this object on."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS) + 1)
        self._total = 0.0
        self._longest = 0.0

    def note(self, seconds: float) -> None:
        """Count one advertisement.

        A negative lateness, an effect of the clock's resolution, counts as 0.
        """
        late = max(0.0, seconds)
        self._counts[bisect_left(BOUNDS, late)] += 1
        self._total += late
        self._longest = max(self._longest, late)

    def snapshot(self) -> LatenessHistogram:
        """Return the counts up to now."""
        return LatenessHistogram(tuple(self._counts), BOUNDS, self._total, self._longest)
