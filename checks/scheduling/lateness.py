"""A histogram of how late probes begin. It has a fixed number of buckets."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import Final

import msgspec

BOUNDS: Final = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""The upper bounds of the buckets, in seconds. There is one more bucket for all later probes."""


class ProbeLateness(msgspec.Struct, frozen=True):
    """A snapshot of the histogram.

    ``counts[i]`` is the number of probes in the bucket with the upper bound ``bounds[i]``. The last
    count is for probes beyond all bounds. ``longest`` and ``total`` are in seconds.
    """

    counts: tuple[int, ...] = (0,) * (len(BOUNDS) + 1)
    bounds: tuple[float, ...] = BOUNDS
    longest: float = 0.0
    total: float = 0.0


class Lateness:
    """Counts how late probes begin, from the creation of this object on."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS) + 1)
        self._longest = self._total = 0.0

    def record(self, seconds: float) -> None:
        """Count one probe that began this many seconds late."""
        self._counts[bisect_left(BOUNDS, seconds)] += 1
        self._longest = max(self._longest, seconds)
        self._total += seconds

    def snapshot(self) -> ProbeLateness:
        """Return the histogram so far."""
        return ProbeLateness(tuple(self._counts), BOUNDS, self._longest, self._total)


def merge(snapshots: Iterable[ProbeLateness]) -> ProbeLateness:
    """Return the sum of histograms, for example of all workers."""
    summands = [ProbeLateness(), *snapshots]
    columns = zip(*(summand.counts for summand in summands), strict=True)
    counts = tuple(sum(column) for column in columns)
    longest = max(summand.longest for summand in summands)
    total = sum(summand.total for summand in summands)
    return ProbeLateness(counts, BOUNDS, longest, total)
