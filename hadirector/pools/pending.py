"""Gathers services whose pools are to be judged, so that a burst is judged once. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Final

from hadirector.model.ipvs import ServiceKey

TOGETHER_SECONDS: Final = 0.005
"""So long the first of a burst may wait for the others: a pool of 1000 takes 3 ms each time."""


class PendingPools:
    """Services about which something is new. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._services: set[ServiceKey] = set()
        self._since = math.inf

    def add(self, services: Collection[ServiceKey], now: float) -> None:
        """Note that these are to be judged."""
        if not self._services:
            self._since = now
        self._services.update(services)

    def take(self, now: float, *, more: bool) -> frozenset[ServiceKey]:
        """Take all of them; none while there is ``more`` to come and the first can wait."""
        if more and now < self._since + TOGETHER_SECONDS:
            return frozenset()
        taken = frozenset(self._services)
        self._services.clear()
        return taken
