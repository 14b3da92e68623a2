"""Limits the rate of an action by a minimum time between two actions."""

from __future__ import annotations

import math
from typing import Final

import msgspec

ANSWERS_PER_INTERVAL: Final = 10
"""Maximum number of answers to the advertisements of peers in one interval. Without a limit, each
packet of a flood would cost an advertisement."""


class Spacing(msgspec.Struct):
    """A minimum time between two actions. The next action is permitted from ``next_at`` on."""

    next_at: float = -math.inf

    def permit(self, now: float, seconds: float) -> bool:
        """Return whether an action is permitted now.

        If so, the next action is permitted after ``seconds``.
        """
        if now < self.next_at:
            return False
        self.next_at = now + seconds
        return True
