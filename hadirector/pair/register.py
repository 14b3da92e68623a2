"""Merges the shared overrides of two directors, with the same result on both. Pure.

The value with the higher stamp is the value of a register. An expiry takes precedence over the
override with its stamp. Both directors may have written at the same time, without knowing the
value of each other. Then one of two orders is lost on both sides, and each side reports it.

A director whose state comes from a backup has values that its peers have replaced long ago. The
peers know higher counters than these values have, and no longer have the values. So the values of
the backup lose.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import msgspec
from msgspec.structs import replace

from hadirector.overrides.model import Action, Override
from hadirector.overrides.registers import (
    OVERRIDES_MAX,
    REMOVAL_SECONDS_MAX,
    Register,
    Registers,
    Removal,
)
from hadirector.overrides.stamp import Stamp

LEAP_MAX: Final = 1_000_000
"""The largest step of a counter that a peer may make. A larger one would use up the counters."""


class Conflict(msgspec.Struct, frozen=True):
    """Two orders for one real server that were given without knowledge of each other."""

    winner: Register
    loser: Register


class Merged(msgspec.Struct, frozen=True):
    """The registers after a merge, and the changes of the merge.

    ``adopted`` are new overrides of a peer, and ``removed`` the ends that a peer has reported, each
    with the override that it ended. ``superseded`` are overrides of a backup.
    """

    registers: Registers
    adopted: tuple[Override, ...] = ()
    removed: tuple[tuple[Override, Removal], ...] = ()
    superseded: tuple[Override, ...] = ()
    conflicts: tuple[Conflict, ...] = ()


def find_fault(ours: Registers, theirs: Registers) -> str | None:
    """Return why the registers of a peer cannot be merged; None if they can."""
    if theirs.highest > ours.highest + LEAP_MAX:
        return "counter_leap"
    if len(ours.overrides.keys() | theirs.overrides.keys()) > OVERRIDES_MAX:
        return "too_many_overrides"
    return None


def merge(ours: Registers, theirs: Registers, *, complete: bool = True) -> Merged:
    """Return the registers that both directors agree on, and the changes.

    Without ``complete``, the peer has left some of its registers out. A missing register then
    proves nothing.
    """
    values: list[Register] = []
    conflicts: list[Conflict] = []
    for their in theirs.stamped:
        our = ours.find(their.name)
        if our is None or our.stamp is None:
            # A value that was here and is gone has been replaced and forgotten.
            if our is None and ours.covers(_stamp(their)):
                continue
            values.append(their)
        else:
            if rank(their) > rank(our):
                values.append(their)
            conflicts += _conflict(ours, our, their)
    lost = _lost_values(ours, theirs) if complete else ()
    registers = ours.drop(each.name for each in lost).add(values)
    counters = dict(registers.counters)
    for director, counter in theirs.counters.items() if complete else ():
        counters[director] = max(counters.get(director, 0), counter)
    return Merged(
        replace(registers, counters=counters),
        tuple(each for each in values if isinstance(each, Override)),
        tuple(
            (override, each)
            for each in values
            if isinstance(each, Removal) and (override := ours.overrides.get(each.name))
        ),
        lost,
        tuple(conflicts),
    )


def renew(ours: Registers, theirs: Registers, director: str, since: float) -> Registers:
    """Return the registers of a director that a peer knows better than it knows itself.

    Its state comes from a backup, or was lost, so its counter has run before. The orders that it
    has received in this run, ``since`` then, get new stamps. They are later than all others.
    """
    counter = theirs.counters.get(director, 0)
    if counter <= ours.counters.get(director, 0):
        return ours
    fresh = [
        value
        for value in ours.stamped
        if _stamp(value).director == director and _written_at(value) >= since
    ]
    if not fresh:
        return ours
    highest = max(ours.highest, theirs.highest)
    stamp = Stamp(highest + 1, director, tuple(sorted(ours.counters.items())))
    return ours.write(fresh, stamp.limit())


def settle(ours: Registers, peers: Collection[Registers], now: float) -> Registers:
    """Return the registers without the removals that every peer knows, or that are too old.

    ``peers`` has the latest registers of every configured peer. A peer that has sent none has empty
    registers.
    """
    gone = [
        removal.name
        for removal in ours.removals.values()
        if now - removal.removed_at >= REMOVAL_SECONDS_MAX
        or all(_knows_end(peer, removal) for peer in peers)
    ]
    return ours.drop(gone) if gone else ours


def rank(value: Register) -> tuple[Stamp, bool, bytes]:
    """Return the place of a value in the order of all values of its register.

    The content decides between values with equal stamps, which only a restored backup can make.
    Times and the end of a drain do not count: they belong to each director.
    """
    if isinstance(value, Removal):
        return _stamp(value), True, msgspec.json.encode((value.author, value.reason))
    effect = (value.action, value.weight, value.keep_clients)
    content = (effect, value.author, value.claimed, value.reason, value.ticket)
    return _stamp(value), False, msgspec.json.encode(content)


def _knows_end(peer: Registers, removal: Removal) -> bool:
    if not peer.covers(removal.stamp):
        return False
    theirs = peer.overrides.get(removal.name)
    return theirs is None or theirs.stamp is None or theirs.stamp > removal.stamp


def _lost_values(ours: Registers, theirs: Registers) -> tuple[Override, ...]:
    """Return our overrides that the peer has known, and has seen replaced and forgotten."""
    return tuple(
        override
        for override in ours.overrides.values()
        if override.stamp is not None
        and theirs.covers(override.stamp)
        and theirs.find(override.name) is None
    )


def _conflict(ours: Registers, our: Register, their: Register) -> list[Conflict]:
    """Return the conflict between two values, unless it was reported before."""
    winner, loser = (their, our) if rank(their) > rank(our) else (our, their)
    if winner is our and ours.covers(_stamp(their)):
        return []
    if _stamp(winner).follows(_stamp(loser)) or _stamp(winner) == _stamp(loser):
        return []
    return [] if _effect(winner) == _effect(loser) else [Conflict(winner, loser)]


def _effect(value: Register) -> tuple[Action, int] | None:
    return None if isinstance(value, Removal) else (value.action, value.weight)


def _stamp(value: Register) -> Stamp:
    assert value.stamp is not None, "only values with a stamp are compared"
    return value.stamp


def _written_at(value: Register) -> float:
    if isinstance(value, Removal):
        return value.removed_at
    return value.set_at or 0.0
