"""Shared overrides as registers: who wrote which value of a real server, and when. Pure.

Each real server has one register. Its value is an override, or the removal of an override. A stamp
orders all values of a register: a Lamport counter, and the name of the director that wrote the
value (Lamport, "Time, Clocks, and the Ordering of Events in a Distributed System", 1978). Clocks
of the wall play no part. Removals stay for a while, so that a peer that still has the override
learns of its end.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final, TypeAlias

import msgspec
from msgspec.structs import replace

from hadirector.overrides.model import Author, Override, RealServerName
from hadirector.overrides.stamp import DIRECTORS_MAX, Counters, Stamp, highest_counters

OVERRIDES_MAX: Final = 10_000
"""The maximum number of overrides. A further override is refused."""
REMOVALS_MAX: Final = 10_000
"""The maximum number of removals that are kept. The oldest are dropped first."""
REMOVAL_SECONDS_MAX: Final = 7 * 24 * 3600.0
"""The time for which a removal is kept at most."""


class Removal(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The end of an override: an operator removed it, or it has expired.

    An expiry keeps the stamp of the override, and takes precedence over it. ``removed_at`` is in
    monotonic seconds.
    """

    name: RealServerName
    stamp: Stamp
    author: str = ""
    claimed: str = ""
    reason: str = ""
    removed_at: float
    expired: bool = False

    @property
    def description(self) -> str:
        """The end and its author in one line."""
        if self.expired:
            return "expired"
        return f"removed by {Author(self.author, self.claimed)}" + (
            f": {self.reason}" if self.reason else ""
        )


Register: TypeAlias = Override | Removal
"""The value of a real server. A value that is shared has a stamp."""


class Registers(msgspec.Struct, frozen=True):
    """All registers that a director knows.

    ``overrides`` are in force. ``counters`` has, for each director, the highest counter of it that
    was stored here. Everything that the director wrote up to this counter is known here.
    """

    overrides: Mapping[RealServerName, Override] = {}
    removals: Mapping[RealServerName, Removal] = {}
    counters: Counters = {}

    def find(self, name: RealServerName) -> Register | None:
        """Return the value of a real server; None if there is none."""
        return self.overrides.get(name) or self.removals.get(name)

    def covers(self, stamp: Stamp) -> bool:
        """Return whether the value with this stamp is known here, or was known here."""
        return stamp.counter <= self.counters.get(stamp.director, 0)

    @property
    def stamped(self) -> tuple[Register, ...]:
        """The values that have a stamp."""
        shared = (each for each in self.overrides.values() if each.stamp is not None)
        return (*shared, *self.removals.values())

    @property
    def highest(self) -> int:
        """The highest counter of all values and directors."""
        stamps = (value.stamp.counter for value in self.stamped if value.stamp is not None)
        return max((*self.counters.values(), *stamps), default=0)

    def next_stamp(self, director: str) -> Stamp:
        """Return the stamp of the next value that this director writes."""
        return Stamp(self.highest + 1, director, tuple(sorted(self.counters.items()))).limit()

    def add(self, values: Iterable[Register]) -> Registers:
        """Return the registers after these values have replaced the current ones.

        The counters stay as they are.
        """
        overrides, removals = dict(self.overrides), dict(self.removals)
        for value in values:
            overrides.pop(value.name, None)
            removals.pop(value.name, None)
            if isinstance(value, Override):
                overrides[value.name] = value
            else:
                removals[value.name] = value
        return Registers(overrides, _newest(removals), self.counters)

    def write(self, values: Iterable[Register], stamp: Stamp) -> Registers:
        """Return the registers after a director has written values with this stamp."""
        written = self.add(replace(value, stamp=stamp) for value in values)
        counters = {**self.counters, stamp.director: stamp.counter}
        return replace(written, counters=highest_counters(counters))

    def drop(self, names: Iterable[RealServerName]) -> Registers:
        """Return the registers without the values of these real servers."""
        dropped = set(names)
        return replace(
            self,
            overrides={
                name: value for name, value in self.overrides.items() if name not in dropped
            },
            removals={name: value for name, value in self.removals.items() if name not in dropped},
        )

    def set(self, overrides: Iterable[Override], director: str) -> Registers:
        """Return the registers after an operator has set overrides.

        ``director`` is the name of this director if it shares its overrides, else empty.
        """
        if not director:
            return self.add(overrides)
        return self.write(overrides, self.next_stamp(director))

    def remove(
        self,
        names: Iterable[RealServerName],
        director: str,
        author: Author,
        reason: str,
        now: float,
    ) -> Registers:
        """Return the registers after an operator has removed overrides."""
        if not director:
            return self.drop(names)
        stamp = self.next_stamp(director)
        removals = [
            Removal(
                name=name,
                stamp=stamp,
                author=author.name,
                claimed=author.claimed,
                reason=reason,
                removed_at=now,
            )
            for name in names
        ]
        return self.write(removals, stamp)

    def expire(self, names: Iterable[RealServerName], director: str, now: float) -> Registers:
        """Return the registers after overrides have expired."""
        if not director:
            return self.drop(names)
        found = [self.overrides[name] for name in names]
        unshared = self.drop(each.name for each in found if each.stamp is None)
        return unshared.add(
            Removal(name=each.name, stamp=each.stamp, removed_at=now, expired=True)
            for each in found
            if each.stamp is not None
        )

    def limit_counters(self, directors: Collection[str]) -> Registers:
        """Return the registers without the counters of directors that are gone.

        ``directors`` are the configured ones, whose counters always have a place. The counter of
        another director stays while a value of it is here, so that peers can report that value.
        """
        writers = {value.stamp.director for value in self.stamped if value.stamp is not None}
        present = {name: count for name, count in self.counters.items() if name in directors}
        others = {
            name: count
            for name, count in self.counters.items()
            if name in writers and name not in directors
        }
        kept = highest_counters(others, DIRECTORS_MAX - len(directors))
        return replace(self, counters={**present, **kept})

    def share(self, director: str) -> Registers:
        """Return the registers with a stamp on every override, for a director that shares them."""
        unstamped = [each for each in self.overrides.values() if each.stamp is None]
        return self.set(unstamped, director) if unstamped else self


def _newest(removals: dict[RealServerName, Removal]) -> dict[RealServerName, Removal]:
    if len(removals) <= REMOVALS_MAX:
        return removals
    kept = sorted(removals.values(), key=lambda removal: removal.removed_at)[-REMOVALS_MAX:]
    return {removal.name: removal for removal in kept}
