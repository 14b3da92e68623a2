"""A handover in progress: the router has sent priority 0, and still holds its addresses.

The successor advertises before it acquires the addresses. The router therefore releases the
addresses only when the successor has announced all of them, or `RELEASE_DELAY` after the last sign
of the successor. Without a successor the handover ends at ``give_up_at``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from vrrp.protocol.packet import Address

RELEASE_DELAY: Final = 0.2
"""Seconds from the latest sign of the successor to the release, while announcements are missing. A
sign is an advertisement or the announcement of an address."""
SETTLE_DELAY: Final = 0.02
"""Seconds from the announcement of the last address to the release. Packets that were sent to this
host before the announcement are still answered."""
REPEAT_MARGIN: Final = 0.1
"""Priority 0 is repeated after one interval and this number of seconds. A successor waits for its
skew time, which is at most one interval. An earlier repeat would restart the wait."""
STOP_SECONDS_MAX: Final = 5.0
"""Seconds after which a router that stops releases the addresses, even without a successor."""


class Handover(msgspec.Struct):
    """The progress of one handover. Times are monotonic seconds.

    - ``yields``: after the handover, the router has the lowest priority. If False, the router only
      looks for a better peer: it keeps its priority, and refuses a successor that would lose.
    - ``stop_reason``: the router stops after the handover, which cannot be undone.
    - ``successor_seen_at``: when the latest advertisement of the successor arrived.
    - ``release_at``: when to release the addresses; None while there is no successor.
    - ``missing``: the addresses that the successor has not announced.
    """

    pause: float
    repeat_at: float
    give_up_at: float
    missing: frozenset[Address]
    yields: bool = True
    stop_reason: str | None = None
    successor_seen_at: float = 0.0
    release_at: float | None = None

    @classmethod
    def begin(
        cls, now: float, advert_interval: float, addresses: Iterable[Address], *, yields: bool
    ) -> Handover:
        """Begin a handover. The router sends priority 0 now, and once more later."""
        pause = advert_interval + REPEAT_MARGIN
        return cls(
            pause=pause,
            repeat_at=now + pause,
            give_up_at=now + 2 * pause,
            missing=frozenset(addresses),
            yields=yields,
        )

    @property
    def deadline(self) -> float:
        """The time of the next action: release the addresses, repeat priority 0, or give up."""
        if self.release_at is not None:
            return self.release_at
        return min(self.repeat_at, self.give_up_at)

    @property
    def refuses_weaker_successor(self) -> bool:
        """Whether a successor that would lose the election is refused."""
        return not self.yields and self.stop_reason is None

    def stop_afterwards(self, now: float, reason: str) -> None:
        """Stop the router after the handover, within `STOP_SECONDS_MAX`."""
        if self.stop_reason is None:
            self.stop_reason = reason
            self.give_up_at = min(self.give_up_at, now + STOP_SECONDS_MAX)

    def note_advertisement(self, now: float, priority: int) -> None:
        """Record the sender as the successor. After priority 0, wait for another one."""
        if priority == 0:
            self.release_at = None
            return
        self.successor_seen_at = now
        if self.release_at is None:
            self.release_at = now + self._delay

    def note_announcement(self, now: float, address: Address) -> None:
        """Record that another host announced an address.

        A repeated announcement has no effect, so that no host can delay the release.
        """
        if address not in self.missing:
            return
        self.missing -= {address}
        if self.release_at is not None:
            self.release_at = now + self._delay

    @property
    def _delay(self) -> float:
        return RELEASE_DELAY if self.missing else SETTLE_DELAY

    def repeat(self, now: float) -> None:
        """Record that priority 0 was sent again."""
        self.repeat_at = now + self.pause
