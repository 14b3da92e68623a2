"""Limits the processor time of regular expression searches, and shares it among targets. Pure.

A search blocks the whole process. A target whose replies make searches long must not take the time
of the other targets. Therefore all long searches together use a token bucket of processor seconds,
which fills at a fixed rate.

A search is aborted at a limit of WHOLE_SECONDS, or of SHORT_SECONDS while the bucket is empty. A
target whose last search was aborted waits for its turn until it gets WHOLE_SECONDS again. While the
bucket is nearly empty, the replies of such a target are not searched. Times are seconds and always
arguments.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Final, NamedTuple

WHOLE_SECONDS: Final = 0.1
"""The limit of a whole search."""

SHORT_SECONDS: Final = 0.01
"""The limit of a search while the bucket is empty, or while another target has its turn. Nearly all
searches take much less."""

FREE_SECONDS: Final = 0.001
"""The longest search that takes no time from the bucket."""

BUCKET_SECONDS: Final = 0.3
"""The size of the bucket."""

SHARE: Final = 0.2
"""The part of a processor that fills the bucket."""

_TURN_SECONDS: Final = WHOLE_SECONDS / SHARE


class _BrokenOff(NamedTuple):
    """A target whose last search was aborted.

    ``too_long`` is whether a whole search was aborted. ``turn`` is when the next whole search may
    begin.
    """

    too_long: bool
    turn: float


class SearchBudget:
    """The token bucket for long searches, and the targets whose last search was aborted."""

    def __init__(self) -> None:
        self._seconds = BUCKET_SECONDS
        self._filled_at = 0.0
        self._broken_off: dict[str, _BrokenOff] = {}

    def limit(self, target: str, now: float) -> float:
        """Return the limit of the next search for a target, in seconds; 0 means no search now."""
        filled = self._seconds + SHARE * (now - self._filled_at)
        self._seconds, self._filled_at = min(filled, BUCKET_SECONDS), now
        known = self._broken_off.get(target)
        if self._seconds > 0 and (known is None or now >= known.turn):
            return WHOLE_SECONDS
        # Without a reserve, these searches would take the time of the targets whose turn it is.
        return SHORT_SECONDS if known is None or self._seconds >= WHOLE_SECONDS else 0.0

    def is_too_long(self, target: str) -> bool:
        """Return whether the latest search of WHOLE_SECONDS was aborted."""
        known = self._broken_off.get(target)
        return known is not None and known.too_long

    def note_end(self, target: str, used: float) -> None:
        """Record that a search has completed after ``used`` seconds."""
        self._broken_off.pop(target, None)
        if used > FREE_SECONDS:
            self._seconds -= used

    def note_break(self, target: str, limit: float, now: float) -> None:
        """Record that a search was aborted after ``limit`` seconds."""
        known = self._broken_off.get(target, _BrokenOff(too_long=False, turn=-math.inf))
        if limit == WHOLE_SECONDS:
            # All other targets have their turn before the next one of this target.
            turn = now + _TURN_SECONDS * (len(self._broken_off) + 1)
            known = _BrokenOff(too_long=True, turn=turn)
        self._broken_off[target] = known
        self._seconds -= limit

    def keep(self, targets: Collection[str]) -> None:
        """Forget all targets except these."""
        self._broken_off = {
            target: known for target, known in self._broken_off.items() if target in targets
        }
