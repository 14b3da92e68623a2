"""Limits how often something is done, by a minimum time between two cases."""

from __future__ import annotations

import math
from typing import Final

import msgspec

ANSWERS_PER_INTERVAL: Final = 10
"""Maximum number of answers to the advertisements of peers in one interval. Without a limit, each
packet of a flood would cost an advertisement."""


class Spacing(msgspec.Struct):
    """A minimum time between two cases. ``next_at`` is when the next case is permitted."""

    next_at: float = -math.inf

    def permit(self, now: float, seconds: float) -> bool:
        """Return whether a case is permitted now.

        If so, the next case is permitted after ``seconds``.
        """
        if now < self.next_at:
            return False
        self.next_at = now + seconds
        return True
