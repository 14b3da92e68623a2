"""Decides which directors of a large fleet probe a target at the short interval. Pure.

The product has no watchers: its pair link ends at 16 peers, and up to 16 directors each director
probes every target. The simulation shows what they would change above that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from functools import lru_cache
from itertools import islice
from typing import Final

WATCHERS: Final = 3
INDEPENDENT_MAX: Final = 16
"""Up to this number of directors, each of them probes every target at the short interval."""
SLOW_INTERVAL: Final = 20.0
"""Seconds between two probes of a target by a director that does not watch it."""
HEARD_SECONDS: Final = 10.0
"""A director counts as heard for this time after its last message."""


@lru_cache(maxsize=20_000)
def rank(target: str, directors: tuple[str, ...]) -> tuple[str, ...]:
    """Return the directors in the order in which they watch a target (rendezvous hashing).

    Thaler and Ravishankar, "Using Name-Based Mappings to Increase Hit Rates" (1998). The order of
    two directors does not depend on the others. If a director is lost, only its targets move.
    """

    def score(director: str) -> bytes:
        return hashlib.blake2b(f"{director} {target}".encode(), digest_size=8).digest()

    return tuple(sorted(directors, key=score))


def watchers(target: str, directors: tuple[str, ...], heard: Collection[str]) -> tuple[str, ...]:
    """Return the directors that watch a target: the first ones in rank of those that are heard."""
    found: Iterator[str] = (each for each in rank(target, directors) if each in heard)
    return tuple(islice(found, WATCHERS))


def watches(own: str, target: str, directors: tuple[str, ...], heard: Collection[str]) -> bool:
    """Return whether a director probes a target at the short interval.

    ``heard`` are the directors whose messages it has received lately. It includes itself. A
    director that hears no other one watches every target.
    """
    if len(directors) <= INDEPENDENT_MAX or len(heard) <= 1:
        return True
    return own in watchers(target, directors, heard)
