"""Finds the differences between this director and a peer, and how long each has lasted. Pure.

Some differences are usual for a moment: two directors do not probe at the same time. They count as
a fault only when they have lasted. Times are monotonic seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Final

import msgspec

from hadirector.pair.state import (
    ConnectionSync,
    PairState,
    PauseState,
    SharedOverrides,
    VirtualServerState,
)

CLOCK_SECONDS_MAX: Final = 2.0
"""A larger difference of the clocks is reported."""
LASTING_SECONDS: Final = 10.0
"""For how long directors may see or do something else without a fault."""
VIRTUAL_SERVER: Final = "virtual_server/"
NOTHING: Final = "none"
ENDED: Final = frozenset({"removed", "expired"})
"""The actions of a register without an override."""


class DifferenceKind(StrEnum):
    """The kind of a difference.

    ``wanted`` are the weights that a director has decided, and ``actual`` the weights in its
    kernel. ``instance`` is a VRRP instance that only one director has, or another VRID.
    """

    VERSION = "version"
    CLOCK = "clock"
    CONFIGURATION = "configuration"
    INSTANCE = "instance"
    VERDICTS = "verdicts"
    WANTED = "wanted"
    ACTUAL = "actual"
    OVERRIDE = "override"
    PAUSE = "pause"
    CONNECTION_SYNC = "connection_sync"


USUAL_FOR_A_MOMENT: Final = frozenset(
    {
        DifferenceKind.VERDICTS,
        DifferenceKind.WANTED,
        DifferenceKind.ACTUAL,
        DifferenceKind.OVERRIDE,
        DifferenceKind.CONNECTION_SYNC,
    }
)


class Difference(msgspec.Struct, frozen=True):
    """A difference: its kind, its object, and what each director has, as short texts.

    The object is a section of the configuration, a virtual server, an instance or a real server;
    it is empty for a whole director.
    """

    kind: DifferenceKind
    object: str
    here: str
    there: str


class LastingDifference(msgspec.Struct, frozen=True):
    """A difference from a peer that has been seen since ``since``."""

    peer: str
    difference: Difference
    since: float

    def is_fault(self, now: float) -> bool:
        """Return whether the difference is one, or has lasted long enough to be one."""
        usual = self.difference.kind in USUAL_FOR_A_MOMENT
        return not usual or now - self.since >= LASTING_SECONDS


def find_differences(own: PairState, peer: PairState, clock_skew: float) -> Iterator[Difference]:
    """Yield the differences. ``clock_skew`` is how many seconds the clock of the peer is ahead."""
    if own.version != peer.version:
        yield Difference(DifferenceKind.VERSION, "", own.version, peer.version)
    if abs(clock_skew) > CLOCK_SECONDS_MAX:
        word = "ahead" if clock_skew > 0 else "behind"
        yield Difference(DifferenceKind.CLOCK, "", "", f"{abs(clock_skew):.1f} s {word}")
    sections = [*_sections(own, peer)]
    yield from sections
    yield from _instances(own, peer)
    other = {each.object for each in sections}
    yield from _virtual_servers(own.virtual_servers, peer.virtual_servers, other)
    yield from _overrides(own.overrides, peer.overrides)
    if (own.pause is None) is not (peer.pause is None):
        yield Difference(DifferenceKind.PAUSE, "", _pause(own.pause), _pause(peer.pause))
    yield from _connection_sync(own.connection_sync, peer.connection_sync)


def follow(
    known: Iterable[LastingDifference], peer: str, found: Iterable[Difference], now: float
) -> tuple[LastingDifference, ...]:
    """Return the current differences from a peer, each since it was seen first.

    A difference of the same object and kind is the same one, even if its texts have changed.
    """
    since = {
        (each.difference.kind, each.difference.object): each.since
        for each in known
        if each.peer == peer
    }
    return tuple(
        LastingDifference(peer, each, since.get((each.kind, each.object), now)) for each in found
    )


def _compare(
    kind: DifferenceKind, ours: Mapping[str, str], theirs: Mapping[str, str]
) -> Iterator[Difference]:
    """Yield the objects for which the two directors have different texts."""
    for name in dict.fromkeys((*ours, *theirs)):
        here, there = ours.get(name, NOTHING), theirs.get(name, NOTHING)
        if here != there:
            yield Difference(kind, name, here, there)


def _sections(own: PairState, peer: PairState) -> Iterator[Difference]:
    """Yield the sections of the configuration with other hashes."""
    ours, theirs = own.configuration.sections, peer.configuration.sections
    if not (ours and theirs):
        return  # a director that has just started, or an earlier version
    yield from _compare(DifferenceKind.CONFIGURATION, ours, theirs)


def _instances(own: PairState, peer: PairState) -> Iterator[Difference]:
    """Yield other instances. A director that has just started has not reported any yet."""
    if not (own.instances and peer.instances):
        return
    ours = {each.name: f"VRID {each.vrid}" for each in own.instances}
    theirs = {each.name: f"VRID {each.vrid}" for each in peer.instances}
    yield from _compare(DifferenceKind.INSTANCE, ours, theirs)


def _virtual_servers(
    own: Iterable[VirtualServerState],
    peer: Iterable[VirtualServerState],
    sections: Iterable[str],
) -> Iterator[Difference]:
    """Yield the first difference of each virtual server that both have, with equal sections.

    Other verdicts have other weights as their consequence, and those another table.
    """
    ours = {each.name: each for each in own}
    for theirs in peer:
        our = ours.get(theirs.name)
        if our is not None and f"{VIRTUAL_SERVER}{our.name}" not in sections:
            yield from _virtual_server(our, theirs)


def _virtual_server(ours: VirtualServerState, theirs: VirtualServerState) -> Iterator[Difference]:
    if ours.verdicts != theirs.verdicts:
        here, there = _passing(ours), _passing(theirs)
        yield Difference(DifferenceKind.VERDICTS, ours.name, here, there)
    elif ours.wanted != theirs.wanted:
        yield Difference(DifferenceKind.WANTED, ours.name, ours.wanted, theirs.wanted)
    elif ours.actual != theirs.actual:
        yield Difference(DifferenceKind.ACTUAL, ours.name, ours.actual, theirs.actual)


def _passing(server: VirtualServerState) -> str:
    return f"{server.passing} of {server.total} pass"


def _overrides(own: SharedOverrides | None, peer: SharedOverrides | None) -> Iterator[Difference]:
    """Yield the real servers with another override, if both directors have sent all of theirs."""
    if own is None or peer is None or not (own.complete and peer.complete):
        return
    ours, theirs = override_effects(own), override_effects(peer)
    yield from _compare(DifferenceKind.OVERRIDE, ours, theirs)


def override_effects(overrides: SharedOverrides) -> Mapping[str, str]:
    """Return the overrides in force as texts, by real server."""
    return {
        name: f"{group.action}{f' {group.weight}' * (group.action == 'weight')} by {group.author}"
        for group in overrides.groups
        if group.action not in ENDED
        for name in group.real_servers
    }


def _pause(pause: PauseState | None) -> str:
    return NOTHING if pause is None else f"paused by {pause.actor}: {pause.reason}"


def _connection_sync(
    own: ConnectionSync | None, peer: ConnectionSync | None
) -> Iterator[Difference]:
    """Yield why connections do not reach the other director."""
    here, there = _sync(own), _sync(peer)
    if own is None or peer is None:
        if own is not peer:
            yield Difference(DifferenceKind.CONNECTION_SYNC, "", here, there)
    elif own.sync_id != peer.sync_id or _is_one_way(own, peer) or _is_one_way(peer, own):
        yield Difference(DifferenceKind.CONNECTION_SYNC, "", here, there)


def _is_one_way(sender: ConnectionSync, receiver: ConnectionSync) -> bool:
    return sender.master and not receiver.backup


def _sync(sync: ConnectionSync | None) -> str:
    if sync is None:
        return NOTHING
    roles = [name for name, runs in (("master", sync.master), ("backup", sync.backup)) if runs]
    return f"{' and '.join(roles) or 'not running'}, id {sync.sync_id}"
