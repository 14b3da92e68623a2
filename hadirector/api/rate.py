"""Limits the rate of changes. Pure. Times are in monotonic seconds."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

CHANGES_PER_SECOND: Final = 10.0
CHANGES_AT_ONCE: Final = 20
ACTORS_MAX: Final = 10_000
"""Keys that are remembered. At the limit, the oldest key is forgotten."""


class Rate:
    """Limits how often each key may act: ``per_second``, and ``at_once`` after a rest."""

    def __init__(self, per_second: float = CHANGES_PER_SECOND, at_once: int = CHANGES_AT_ONCE):
        self._per_second = per_second
        self._at_once = at_once
        self._spent: dict[Hashable, tuple[float, float]] = {}

    def take(self, key: Hashable, now: float) -> bool:
        """Return whether the key may act now, and count it."""
        spent, at = self._spent.pop(key, (0.0, now))
        spent = max(0.0, spent - (now - at) * self._per_second)
        allowed = spent + 1 <= self._at_once
        if len(self._spent) >= ACTORS_MAX:
            del self._spent[next(iter(self._spent))]
        self._spent[key] = (spent + 1 if allowed else spent), now
        return allowed
