"""Decides which destination a new connection goes to, for the dataplane that relays it itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from hadirector.model.ipvs import DestinationKey, Scheduler


class Offer(msgspec.Struct, frozen=True):
    """A destination that may be chosen: its weight (above 0) and the connections it has now."""

    key: DestinationKey
    weight: int
    active: int


class Balancer(Protocol):
    """Chooses a destination for each new connection and remembers what it chose."""

    def choose(self, offers: Sequence[Offer]) -> DestinationKey:
        """Choose one of ``offers``, which are not empty and in the order of the service."""


class LeastLoaded:
    """Chooses the least loaded destination; among equals the one whose last turn is longest ago.

    With a constant load this is round robin.
    """

    def __init__(self, load: Callable[[Offer], float]) -> None:
        self._load = load
        self._turn = 0
        self._last_turns: dict[DestinationKey, int] = {}

    def choose(self, offers: Sequence[Offer]) -> DestinationKey:
        """Choose one of ``offers``."""
        turns = {offer.key: self._last_turns.get(offer.key, 0) for offer in offers}
        chosen = min(offers, key=lambda offer: (self._load(offer), turns[offer.key])).key
        self._turn += 1
        self._last_turns = turns | {chosen: self._turn}
        return chosen


class SmoothWeighted:
    """Gives each destination its share of turns, spread as evenly as the weights allow.

    Every turn each destination earns its weight and the richest one pays the sum of the weights.
    Unlike the kernel's wrr, a heavy destination gets no run of consecutive connections.
    """

    def __init__(self) -> None:
        self._credits: dict[DestinationKey, int] = {}

    def choose(self, offers: Sequence[Offer]) -> DestinationKey:
        """Choose one of ``offers``."""
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
    """Make the balancer for one of ``SCHEDULERS``. Raises KeyError for any other."""
    return _BALANCERS[scheduler]()
