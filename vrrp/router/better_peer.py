"""Decides when an impaired ACTIVE router hands over on its own, because a peer may serve better.

A router is impaired if its priority is lowered or its host is not fit to serve. A BACKUP router
that does not preempt stays BACKUP, even if the ACTIVE router has a lower priority. An impaired
ACTIVE router therefore starts a handover itself. If no peer takes over, it stays ACTIVE. If the
peer that takes over would lose the election, the router takes the addresses back.

BACKUP routers send nothing, so the priority of a peer is known only from its last advertisement. A
router with a lowered priority does not hand over if the latest known peer would lose the election.
A router that is not fit hands over in any case.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

from vrrp.protocol.packet import Address
from vrrp.router.election import reason_to_lose
from vrrp.router.priority import Impairment

RETRY_SECONDS: Final = 30.0
"""The shortest time from one attempt to the next."""
RETRY_SECONDS_MAX: Final = 3600.0
"""The longest time, after several successors that would lose the election."""


class Peer(msgspec.Struct, frozen=True):
    """The latest advertisement of another router: its source address and its priority above 0."""

    priority: int
    address: Address


class BetterPeer(msgspec.Struct):
    """The state of the attempts to hand over to a better peer. Times are monotonic seconds."""

    impairment: Impairment = Impairment.NONE
    peer: Peer | None = None
    next_attempt_at: float = -math.inf
    pause: float = RETRY_SECONDS

    def change(self, impairment: Impairment) -> None:
        """Store the current impairment. The time until the next attempt stays the same."""
        if impairment is not self.impairment:
            self.impairment, self.pause = impairment, RETRY_SECONDS

    def is_sought(self, priority: int, own_address: Address, now: float) -> bool:
        """Return whether the ACTIVE router should start a handover now."""
        if self.impairment is Impairment.NONE or now < self.next_attempt_at:
            return False
        if self.impairment is Impairment.UNFIT or self.peer is None:
            return True
        return self.wins(self.peer, priority, own_address)

    @staticmethod
    def wins(peer: Peer, priority: int, own_address: Address) -> bool:
        """Return whether a peer wins the election against this router."""
        return reason_to_lose(peer.priority, peer.address, priority, own_address) is not None

    def note_attempt(self, now: float) -> None:
        """Record that a handover begins. The next attempt is permitted after RETRY_SECONDS."""
        self.next_attempt_at = now + RETRY_SECONDS

    def note_weaker_successor(self, now: float) -> None:
        """Record that the successor would lose the election, and lengthen the pause."""
        self.next_attempt_at = now + self.pause
        self.pause = min(2 * self.pause, RETRY_SECONDS_MAX)
