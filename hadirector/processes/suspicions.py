"""Sends the suspicions of one worker to the director: first failures of passing targets."""

from __future__ import annotations

from time import monotonic
from typing import Final

from hadirector.processes.channel import Channel
from hadirector.processes.messages import TargetSuspected, ToChecks

PER_SECOND_MAX: Final = 200
"""At most this many suspicions are sent in a second; further ones are dropped. So many point to a
fault of this host."""


class SuspicionReports:
    """Sends suspicions while they are ``wanted``. A channel that is full drops them."""

    def __init__(self, channel: Channel[ToChecks]) -> None:
        self.wanted = False
        self._channel = channel
        self._second = 0.0
        self._count = 0

    def report(self, identity: str) -> None:
        """Send a suspicion now, unless too many were sent in this second. Never block."""
        if not self.wanted:
            return
        now = monotonic()
        if now - self._second >= 1.0:
            self._second, self._count = now, 0
        self._count += 1
        if self._count <= PER_SECOND_MAX:
            self._channel.send(TargetSuspected(identity), droppable=True)
