"""Reports hosts that try to connect to the pair link and may not, at a limited rate."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Final

from vrrp.model.report import Notice

REPORT_SECONDS: Final = 60.0
"""The time between two reports about one address."""
ADDRESSES_MAX: Final = 100
"""Addresses that are remembered. While there are as many, no further address is reported."""


class Refusals:
    """Counts refused connections by address, and reports each address at most once a minute."""

    def __init__(self, report: Callable[[Notice], object]) -> None:
        self._report = report
        self._reported_at: dict[str, float] = {}
        self._unreported: dict[str, int] = {}

    def note(self, address: str, reason: str) -> None:
        """Count a refusal, and report it unless the address was reported in the last minute."""
        now = monotonic()
        if now - self._reported_at.get(address, -REPORT_SECONDS) < REPORT_SECONDS:
            self._unreported[address] = self._unreported.get(address, 0) + 1
            return
        if address not in self._reported_at:
            self._forget(now)
            if len(self._reported_at) >= ADDRESSES_MAX:
                return
        self._reported_at[address] = now
        count = 1 + self._unreported.pop(address, 0)
        self._report(
            Notice(
                "warning",
                "pair_client_refused",
                {"address": address, "reason": reason, "count": count},
            )
        )

    def _forget(self, now: float) -> None:
        for address, at in tuple(self._reported_at.items()):
            if now - at >= REPORT_SECONDS:
                del self._reported_at[address]
                self._unreported.pop(address, None)
