"""Decides when a target is probed. Times are monotonic seconds and always arguments. Pure."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

from checks.definition.check import Timing
from checks.definition.result import Verdict

SPREAD_MAX = 1.0
"""The first probes of all new targets are spread over at most this time, in seconds."""

SPACING_MAX = 0.01
"""The largest time between the first probes of two new targets, in seconds."""

BATCH_MIN = 0.02
BATCH_MAX = 0.06
"""The shortest and the longest time between two wake-ups that start probes, in seconds."""

PROBES_PER_BATCH = 16
"""The number of probes in a batch. A wake-up costs as much as several probes."""

INTERVAL_PER_BATCH = 20
"""A batch lasts at most the shortest interval divided by this number."""

DELAYED_AFTER = 0.05
"""A probe is delayed if it begins, or its deadline is noticed, this many seconds too late."""


def first_due(now: float, position: int, count: int, interval: float) -> float:
    """Return when to probe the new target at ``position`` of ``count`` for the first time.

    The first probes are evenly spaced, in the order of the configuration.
    """
    assert 0 <= position < count
    spacing = min(SPACING_MAX, min(interval, SPREAD_MAX) / count)
    return now + position * spacing


def batch_seconds(timings: Sequence[Timing]) -> float:
    """Return how many seconds one batch lasts: the time between two wake-ups that start probes.

    One wake-up costs as much as several probes, so probes that are due at nearly the same time
    begin together. A wake-up starts the probes that are due before the next wake-up. In a
    longer batch, some probes begin earlier, but none begins later.
    """
    if not timings:
        return BATCH_MIN
    rate = sum(1 / timing.interval for timing in timings)
    shortest = min(min(timing.interval, timing.fast_interval or math.inf) for timing in timings)
    longest = min(BATCH_MAX, shortest / INTERVAL_PER_BATCH)
    return max(BATCH_MIN, min(longest, PROBES_PER_BATCH / rate))


def current_interval(timing: Timing, verdict: Verdict, *, suspect: bool) -> float:
    """Return the seconds from one probe to the next: ``interval``, or the fast or slow interval."""
    if suspect and timing.fast_interval is not None:
        return timing.fast_interval
    if verdict is Verdict.FAILING and timing.slow_interval is not None and not suspect:
        return timing.slow_interval
    return timing.interval


def add_jitter(due: float, jitter: float, identity: Hashable) -> float:
    """Return when a probe begins: up to ``jitter`` seconds after it is due.

    The delay is derived from a hash of the other arguments. The next due time is counted from
    this due time and not from the delayed start, so the mean interval stays the same. Python
    salts the hashes of text in each process, so two directors do not probe at the same times.
    """
    return due + jitter * (hash((identity, due)) % 1024 / 1024)


class RateLimit:
    """Limits how many probes begin per second; ``per_second`` None is no limit.

    Unused probes of the last ``grain`` seconds, the time between two wake-ups, can begin later.
    Older ones expire.
    """

    def __init__(self, per_second: int | None, grain: float) -> None:
        self._spacing = 0.0 if per_second is None else 1 / per_second
        self._grain = grain
        self.next_at = -math.inf  # when the next probe may begin

    def take(self, now: float) -> bool:
        """Count a probe and return True if it may begin now."""
        if not self._spacing:
            return True
        if now < self.next_at:
            return False
        self.next_at = max(self.next_at, now - self._grain) + self._spacing
        return True


def skip_missed_periods(due: float, interval: float, now: float) -> float:
    """Return ``due``, or the last regular time before ``now`` if at least one period was missed.

    Missed probes are skipped, not repeated. The result differs from ``due`` by whole intervals,
    so the times do not drift.
    """
    if now < due + interval:
        return due
    return due + math.floor((now - due) / interval) * interval


def next_due(started_for: float, interval: float, now: float) -> float:
    """Return when the next probe is due after a probe that was due at ``started_for`` and ends now.

    If the probe took longer than the interval, the next probe is due at once, and the probes
    after it keep their regular times.
    """
    return skip_missed_periods(started_for + interval, interval, now)


def is_delayed(due: float, now: float) -> bool:
    """Return whether ``now`` is so long after ``due`` that this host has caused a delay."""
    return now - due > DELAYED_AFTER
