"""Counts the packets that an instance receives, by their source address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from time import monotonic
from typing import Final

from vrrp.model.report import SenderCounts
from vrrp.protocol.packet import Address, DropReason

SENDERS_MAX: Final = 8
"""Source addresses that are counted. A packet of another address takes the place of an address with
no accepted packet, or else of the address that was silent longest."""
_OURS_OR_NOBODY: Final = frozenset({DropReason.OWN_PACKET, DropReason.SOURCE})
"""Drop reasons of packets that come from this router, or whose source no router can have."""


class _Sender:
    """The counts of one address. They are mutable, because every packet changes them."""

    __slots__ = ("accepted_at", "dropped", "received")

    def __init__(self) -> None:
        self.received = 0
        self.accepted_at: float | None = None
        self.dropped: Counter[str] = Counter()


class Senders:
    """The counts by source address. A packet costs a few operations on dictionaries.

    ``clock`` returns monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._senders: dict[Address, _Sender] = {}

    def count_advertisement(self, source: Address) -> None:
        """Count an accepted advertisement."""
        sender = self._find(source)
        sender.received += 1
        sender.accepted_at = self._clock()
        if sender.dropped:
            sender.dropped.clear()

    def count_drop(self, source: Address | None, reason: DropReason) -> None:
        """Count a dropped packet. Packets of this router and of no router are not counted."""
        if source is not None and reason not in _OURS_OR_NOBODY:
            self._find(source).dropped[reason.value] += 1

    @property
    def seconds(self) -> float:
        """For how many seconds packets have been counted."""
        return self._clock() - self._began

    def counts(self) -> tuple[SenderCounts, ...]:
        """Return the counts, the latest sender at the end."""
        now = self._clock()
        return tuple(
            SenderCounts(
                str(address),
                sender.received,
                None if sender.accepted_at is None else now - sender.accepted_at,
                dict(sender.dropped),
            )
            for address, sender in self._senders.items()
        )

    def _find(self, source: Address) -> _Sender:
        sender = self._senders.pop(source, None)
        if sender is None:
            sender = _Sender()
            self._make_room()
        self._senders[source] = sender
        return sender

    def _make_room(self) -> None:
        if len(self._senders) >= SENDERS_MAX:
            rejected = (address for address, each in self._senders.items() if not each.received)
            del self._senders[next(rejected, next(iter(self._senders)))]
