"""What goes wrong again and again is counted every time and told now and then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

from vrrp.model.report import Notice, Scalar

SPACING: Final = 10.0
"""Seconds between two notices of the same kind."""


class Incidents:
    """Counts incidents by kind and reports each kind at most once in 10 s, with its count.

    Kinds are names from our own code, so their number is bounded whatever peers send.
    """

    def __init__(self, report: Callable[[Notice], None], **fields: Scalar) -> None:
        self.counters: Counter[str] = Counter()
        self._report = report
        self._fields = fields
        self._quiet_until: dict[str, float] = {}
        self._told: Counter[str] = Counter()

    def happened(self, event: str, kind: str, now: float, **fields: Scalar) -> None:
        """Count one incident under ``kind``; ``event`` and ``fields`` are for its notice.

        The notice's ``count`` is of those since the last notice of this kind.
        """
        self.counters[kind] += 1
        if now < self._quiet_until.get(kind, now):
            return
        self._quiet_until[kind] = now + SPACING
        count = self.counters[kind] - self._told[kind]
        self._told[kind] = self.counters[kind]
        self._report(Notice("warning", event, {**self._fields, **fields, "count": count}))
