"""How late probes began, as a histogram with a fixed number of buckets."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import Final

import msgspec

BOUNDS: Final = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Upper bounds of the buckets in seconds; one more bucket takes what is later."""


class ProbeLateness(msgspec.Struct, frozen=True):
    """A snapshot. ``counts[i]`` probes began at most ``bounds[i]`` seconds late and more than the
    bound before; the last count is of those beyond every bound. ``longest``, and ``total`` of all,
    are in seconds.
    """

    counts: tuple[int, ...] = (0,) * (len(BOUNDS) + 1)
    bounds: tuple[float, ...] = BOUNDS
    longest: float = 0.0
    total: float = 0.0


class Lateness:
    """Counts since its making."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS) + 1)
        self._longest = self._total = 0.0

    def note(self, seconds: float) -> None:
        """Count one probe."""
        self._counts[bisect_left(BOUNDS, seconds)] += 1
        self._longest = max(self._longest, seconds)
        self._total += seconds

    def snapshot(self) -> ProbeLateness:
        """What was counted so far."""
        return ProbeLateness(tuple(self._counts), BOUNDS, self._longest, self._total)


def merged(snapshots: Iterable[ProbeLateness]) -> ProbeLateness:
    """Add up what several have counted; of none, nothing."""
    every = [ProbeLateness(), *snapshots]
    counts = tuple(sum(column) for column in zip(*(each.counts for each in every), strict=True))
    longest, total = max(each.longest for each in every), sum(each.total for each in every)
    return ProbeLateness(counts, BOUNDS, longest, total)
