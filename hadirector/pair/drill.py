"""Measures a drill by its probes: how many were lost, and the longest gap. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import msgspec


class Probes(msgspec.Struct):
    """The probes of one address. ``sent`` has their times, and ``answered`` their numbers."""

    sent: list[float] = msgspec.field(default_factory=list)
    answered: set[int] = msgspec.field(default_factory=set)

    def send(self, now: float) -> int:
        """Record a probe; return its number."""
        self.sent.append(now)
        return len(self.sent) - 1

    def answer(self, number: int) -> None:
        """Record the answer to a probe. An answer to an unknown probe has no effect."""
        if number < len(self.sent):
            self.answered.add(number)


class Measurement(msgspec.Struct, frozen=True):
    """The result of the probes: how many were sent and lost, and the longest gap in seconds.

    A gap is the time between two answered probes that follow one another.
    """

    sent: int = 0
    lost: int = 0
    longest_gap: float | None = None


def measure(every: Iterable[Probes]) -> Measurement:
    """Return the sum of the probes, and the longest gap at one address."""
    found = list(every)
    gaps = [
        later - former
        for probes in found
        for former, later in pairwise([probes.sent[number] for number in sorted(probes.answered)])
    ]
    return Measurement(
        sum(len(probes.sent) for probes in found),
        sum(len(probes.sent) - len(probes.answered) for probes in found),
        max(gaps, default=None),
    )
