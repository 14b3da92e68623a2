"""The stamp of a shared override: its place in the order of all values of a register. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec.structs import replace

COUNTER_MAX: Final = 2**53
"""The highest counter: JSON readers are exact up to here (RFC 8259 section 6)."""
DIRECTORS_MAX: Final = 16
"""The maximum number of directors in a stamp, and in the counters. The highest stay."""
Counter = Annotated[int, msgspec.Meta(ge=0, le=COUNTER_MAX)]
DirectorName = Annotated[str, msgspec.Meta(max_length=128)]
Counters: TypeAlias = Mapping[DirectorName, Counter]
"""The highest counter that is known of each director, by its name."""


class Stamp(msgspec.Struct, frozen=True, order=True, gc=False):
    """The place of a value among all values of its register.

    The higher counter is later, and with equal counters the name decides. ``known`` has the
    counters that the director knew when it wrote the value: it has seen what they cover.
    """

    counter: Counter
    director: DirectorName
    known: tuple[tuple[DirectorName, Counter], ...] = ()

    def limit(self) -> Stamp:
        """Return the stamp with as many known counters as a peer accepts."""
        if len(self.known) <= DIRECTORS_MAX:
            return self
        return replace(self, known=tuple(sorted(highest_counters(dict(self.known)).items())))

    def follows(self, earlier: Stamp) -> bool:
        """Return whether the director that wrote this value knew the earlier value."""
        return earlier.counter <= dict(self.known).get(earlier.director, 0)


def highest_counters(counters: Counters, limit: int = DIRECTORS_MAX) -> Counters:
    """Return the highest counters, up to this number of them."""
    if len(counters) <= limit:
        return counters
    ordered = sorted(counters.items(), key=lambda each: (each[1], each[0]), reverse=True)
    return dict(ordered[: max(0, limit)])
