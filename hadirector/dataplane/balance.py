"""The schedulers of the userspace dataplane: they select the destination of each new connection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from hadirector.model.ipvs import DestinationKey, Scheduler


class Offer(msgspec.Struct, frozen=True):
    """A destination with a weight above 0, and its number of open connections."""

    key: DestinationKey
    weight: int
    active: int


class Balancer(Protocol):
    """A scheduler of the userspace dataplane. It takes its earlier selections into account."""

    def choose(self, offers: Sequence[Offer]) -> DestinationKey:
        """Select one of ``offers``, which is not empty.

        They are in the order of the destinations.
        """


class LeastLoaded:
    """Selects the destination with the least load.

    Among equals, it selects the least recently used.

    With a constant load this is round robin.
    """

    def __init__(self, load: Callable[[Offer], float]) -> None:
        self._load = load
        self._turn = 0
        self._last_turns: dict[DestinationKey, int] = {}

    def choose(self, offers: Sequence[Offer]) -> DestinationKey:
        """Select one of ``offers``."""
        turns = {offer.key: self._last_turns.get(offer.key, 0) for offer in offers}
        chosen = min(offers, key=lambda offer: (self._load(offer), turns[offer.key])).key
        self._turn += 1
        self._last_turns = turns | {chosen: self._turn}
        return chosen


class SmoothWeighted:
    """Selects destinations by weight, evenly spread (smooth weighted round robin).

    For every connection, each destination gains credits equal to its weight. The destination
    with the most credits is selected, and loses credits equal to the sum of the weights. Unlike
    the kernel's wrr, a destination with a high weight gets no run of consecutive connections.
    """

    def __init__(self) -> None:
        self._credits: dict[DestinationKey, int] = {}

    def choose(self, offers: Sequence[Offer]) -> DestinationKey:
        """Select one of ``offers``."""
        earned = {offer.key: self._credits.get(offer.key, 0) + offer.weight for offer in offers}
        chosen = max(earned, key=earned.__getitem__)
        earned[chosen] -= sum(offer.weight for offer in offers)
        self._credits = earned
        return chosen


_BALANCERS: dict[str, Callable[[], Balancer]] = {
    Scheduler.RR: lambda: LeastLoaded(lambda _: 0),
    Scheduler.WRR: SmoothWeighted,
    Scheduler.LC: lambda: LeastLoaded(lambda offer: offer.active),
    Scheduler.WLC: lambda: LeastLoaded(lambda offer: offer.active / offer.weight),
}

SCHEDULERS = tuple(_BALANCERS)


def balancer(scheduler: str) -> Balancer:
    """Return a new balancer for one of ``SCHEDULERS``. Raises KeyError for another scheduler."""
    return _BALANCERS[scheduler]()
