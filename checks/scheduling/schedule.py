"""When a target is probed. Times are monotonic seconds, always given, never read here."""

from __future__ import annotations

import math
from collections.abc import Hashable

from checks.definition.check import Timing
from checks.definition.result import Verdict

SPLAY_MAX = 1.0
"""The first probes of any number of targets are spread over this much time at most, seconds."""

SPACING_MAX = 0.01
"""A few targets need no second to be spread over: this far apart at most, seconds."""

LATE_AFTER = 0.05
"""A probe started, or a deadline noticed, this long after its time is late, seconds."""


def first_due(now: float, position: int, count: int, interval: float) -> float:
    """When to probe the new target at ``position`` of ``count`` for the first time.

    Spread evenly by position, without chance: the same configuration gives the same schedule.
    """
    assert 0 <= position < count
    spacing = min(SPACING_MAX, min(interval, SPLAY_MAX) / count)
    return now + position * spacing


def pace(timing: Timing, verdict: Verdict, *, suspect: bool) -> float:
    """Decide after how many seconds to probe again."""
    if suspect and timing.fast_interval is not None:
        return timing.fast_interval
    if verdict is Verdict.FAILING and timing.slow_interval is not None and not suspect:
        return timing.slow_interval
    return timing.interval


def shifted(due: float, jitter: float, identity: Hashable) -> float:
    """When to begin a probe that is due: up to ``jitter`` seconds later, by the hash of both.

    The next due time is counted from this one's, so the pace stays. Python hashes texts in each
    process by a key of its own: two directors do not fall into step.
    """
    return due + jitter * (hash((identity, due)) % 1024 / 1024)


class Allowance:
    """How many probes may begin, of all targets or of one: ``per_second``, None for no limit.

    What was not used is not saved up, except for ``grain`` seconds, the time between wake-ups.
    """

    def __init__(self, per_second: int | None, grain: float) -> None:
        self._spacing = 0.0 if per_second is None else 1 / per_second
        self._grain = grain
        self.next_at = -math.inf  # when the next one may begin

    def take(self, now: float) -> bool:
        """Whether one may begin now; it then counts."""
        if not self._spacing:
            return True
        if now < self.next_at:
            return False
        self.next_at = max(self.next_at, now - self._grain) + self._spacing
        return True


def skip_missed(due: float, interval: float, now: float) -> float:
    """The due time to go on from: ``due`` itself, or the last one of its phase before ``now``.

    Periods missed while nothing could be done are skipped, not made up for, and the phase
    stays: due times never drift, however late the probes were.
    """
    if now < due + interval:
        return due
    return due + math.floor((now - due) / interval) * interval


def next_due(started_for: float, interval: float, now: float) -> float:
    """When to probe again after a probe due at ``started_for`` has ended at ``now``.

    A probe that took longer than its interval is followed by the next one at once.
    """
    return skip_missed(started_for + interval, interval, now)


def is_late(due: float, now: float) -> bool:
    """Whether what was due has been kept waiting by this host, not by the target."""
    return now - due > LATE_AFTER
