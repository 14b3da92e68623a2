"""Collects the services whose pools need a new decision. Pure.

If many messages arrive together, one decision is made for all of them.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Final

from hadirector.model.ipvs import ServiceKey

TOGETHER_SECONDS: Final = 0.005
"""The time for which the first message of a burst waits for others. A decision about a pool of 1000
real servers takes 3 ms."""


class PendingPools:
    """The services whose pools need a new decision. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._services: set[ServiceKey] = set()
        self._since = math.inf

    def add(self, services: Collection[ServiceKey], now: float) -> None:
        """Add services."""
        if not self._services:
            self._since = now
        self._services.update(services)

    def take(self, now: float, *, more: bool) -> frozenset[ServiceKey]:
        """Remove and return all services.

        Return no service if ``more`` messages are waiting and the first service was added
        less than TOGETHER_SECONDS ago.
        """
        if more and now < self._since + TOGETHER_SECONDS:
            return frozenset()
        taken = frozenset(self._services)
        self._services.clear()
        return taken
