"""A planned handover under way: the router is ACTIVE, has resigned, and still answers.

It makes before it breaks. The successor's first advertisement precedes its addresses, so release
waits for their announcements, or for `RELEASE_DELAY` without any. Nobody there: the patience ends,
and the router decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from vrrp.protocol.packet import Address

RELEASE_DELAY: Final = 0.2
"""Seconds from the successor's advertisement, or from the last of its announcements while some are
missing, to our release."""
SETTLE_DELAY: Final = 0.02
"""Seconds from the announcement of the last address to our release: what was sent to us before
that is still answered."""
RESIGNATION_MARGIN: Final = 0.1
"""Seconds beyond one interval before priority 0 is repeated: a successor's skew time is at most
one interval, and a repeat within it would start it anew."""
LONGEST_LEAVE: Final = 5.0
"""Seconds after which a stop releases the addresses whether or not a successor was heard."""


class Handover(msgspec.Struct):
    """Times are monotonic seconds.

    ``stop_reason`` is set when the router stops afterwards, and then never taken back.
    ``heard_at`` is when the successor was last heard; ``release_at`` is when to step back, None
    while there is no successor. ``awaited`` are the addresses that it has not announced.
    """

    pause: float
    repeat_at: float
    give_up_at: float
    awaited: frozenset[Address]
    stop_reason: str | None = None
    heard_at: float = 0.0
    release_at: float | None = None

    @classmethod
    def begin(cls, now: float, advert_interval: float, addresses: Iterable[Address]) -> Handover:
        """Resign now; repeat it once, then give up when the repeat has had its time too."""
        pause = advert_interval + RESIGNATION_MARGIN
        return cls(
            pause=pause,
            repeat_at=now + pause,
            give_up_at=now + 2 * pause,
            awaited=frozenset(addresses),
        )

    @property
    def deadline(self) -> float:
        """When something is due: the release, a repeated resignation or the end of patience."""
        if self.release_at is not None:
            return self.release_at
        return min(self.repeat_at, self.give_up_at)

    def stop(self, now: float, reason: str) -> None:
        """The router stops afterwards, and within `LONGEST_LEAVE`."""
        if self.stop_reason is None:
            self.stop_reason = reason
            self.give_up_at = min(self.give_up_at, now + LONGEST_LEAVE)

    def hear(self, now: float, priority: int) -> None:
        """A peer advertises: the successor, unless it resigns too (then there is none)."""
        if priority == 0:
            self.release_at = None
            return
        self.heard_at = now
        if self.release_at is None:
            self.release_at = now + self._delay

    def hear_announcement(self, now: float, address: Address) -> None:
        """Somebody announces an address. Only the first time counts, so nobody can put us off."""
        if address not in self.awaited:
            return
        self.awaited -= {address}
        if self.release_at is not None:
            self.release_at = now + self._delay

    @property
    def _delay(self) -> float:
        return RELEASE_DELAY if self.awaited else SETTLE_DELAY

    def repeat(self, now: float) -> None:
        """Priority 0 is sent once more; the next time after another pause."""
        self.repeat_at = now + self.pause
