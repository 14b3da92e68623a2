"""Counts problems that may occur often, and reports them at a limited rate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

from vrrp.model.report import Notice, Scalar

SPACING: Final = 10.0
SPACING_MAX: Final = 640.0
"""Seconds between two notices for the same counter. The time doubles while cases continue."""


class RateLimitedNotices:
    """Counts problems, and reports each kind at most once in 10 s, with the number of cases.

    While a problem continues, the time between its reports doubles. A flood of one problem
    therefore does not push the events of other problems out of the history.

    The names of the counters are constants of this program, so packets of peers cannot create
    new counters.
    """

    def __init__(self, report: Callable[[Notice], None], **fields: Scalar) -> None:
        self.counters: Counter[str] = Counter()
        self._report = report
        self._fields = fields
        self._quiet_until: dict[str, float] = {}
        self._spacing: dict[str, float] = {}
        self._reported: Counter[str] = Counter()

    def note(self, event: str, counter: str, now: float, **fields: Scalar) -> None:
        """Count one problem, and report it as ``event`` if the rate limit permits.

        The field ``count`` of the report is the number of cases since the last report of
        this counter. ``fields`` describe the latest case.
        """
        self.counters[counter] += 1
        if now < self._quiet_until.get(counter, now):
            return
        count = self.counters[counter] - self._reported[counter]
        spacing = self._spacing.get(counter, SPACING / 2) if count > 1 else SPACING / 2
        self._spacing[counter] = min(2 * spacing, SPACING_MAX)
        self._quiet_until[counter] = now + self._spacing[counter]
        self._reported[counter] = self.counters[counter]
        self._report(Notice("warning", event, {**self._fields, **fields, "count": count}))
