"""Decides whether a group of addresses is announced, announced reluctantly, or withdrawn. Pure.

A reluctant director announces with a worse metric. Routers use it only if no other director
announces the addresses, so the addresses have a route while any director runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from hadirector.model.announcement import AnnouncedGroup, WhenShort


class AnnouncementRole(StrEnum):
    """The announcement of a group."""

    ANNOUNCED = "announced"
    RELUCTANT = "reluctant"
    WITHDRAWN = "withdrawn"


class Facts(msgspec.Struct, frozen=True):
    """The facts that decide, at one moment.

    - ``held_out``: why the director must not begin to serve; empty after its start.
    - ``unfit``: why the director is not fit to serve.
    - ``blind``: the director receives no answer from any target.
    - ``passing``: the passing part of the configured weight of each pool, in percent. A pool
      that has not been decided yet is missing.
    - ``differing``: by the name of a group, which peer announces it with other hash tables.
    - ``handed_over``: the groups that an operator has handed over.
    - ``leaving``: the director stops.
    """

    held_out: str = ""
    unfit: tuple[str, ...] = ()
    blind: bool = False
    passing: Mapping[str, float] = {}
    differing: Mapping[str, str] = {}
    handed_over: frozenset[str] = frozenset()
    leaving: bool = False


class GroupState(msgspec.Struct, frozen=True):
    """The announcement of a group, with the reason for it.

    ``short`` is whether a pool was short at the latest decision; None before the first one.
    ``good_since`` is when all conditions began to hold, in monotonic seconds; None if they do not
    hold, or if the group is announced. ``since`` is when the role began.
    """

    role: AnnouncementRole = AnnouncementRole.WITHDRAWN
    reason: str = "the director is starting"
    short: bool | None = None
    good_since: float | None = None
    since: float = 0.0


STARTING: Final = GroupState()
HANDED_OVER: Final = "an operator handed the group over"


class _Decision(NamedTuple):
    role: AnnouncementRole
    reason: str


def adopt(now: float, *, reluctant: bool) -> GroupState:
    """Return the state of a group that an earlier process has announced."""
    role = AnnouncementRole.RELUCTANT if reluctant else AnnouncementRole.ANNOUNCED
    return GroupState(role, "adopted from the earlier process", reluctant, None, now)


def lapse(state: GroupState, now: float) -> GroupState:
    """Return the state after the lifetime of the addresses has ended without a renewal."""
    return GroupState(AnnouncementRole.WITHDRAWN, "the lifetime has ended", state.short, None, now)


def decide(group: AnnouncedGroup, state: GroupState, facts: Facts, now: float) -> GroupState:
    """Decide the announcement of a group. ``now`` is in monotonic seconds.

    All conditions must hold for ``rise`` before the group is announced. Every other change is
    made at once. A withdrawn group stays withdrawn while a peer announces it with other hash
    tables: with an announced group, a difference changes nothing.
    """
    if facts.held_out and not facts.leaving:
        return replace(state, good_since=None)
    short_pool, short = _find_short_pool(group, state.short, facts.passing)
    role, reason = _permit(group, facts, short_pool)
    if state.role is AnnouncementRole.WITHDRAWN and group.name in facts.differing:
        role, reason = state.role, facts.differing[group.name]
    good_since = None
    if role is AnnouncementRole.ANNOUNCED and state.role is not AnnouncementRole.ANNOUNCED:
        began = now if state.good_since is None else state.good_since
        if now - began < group.rise:
            role, good_since = state.role, began
            reason = f"all conditions must hold for {group.rise:g} s"
    since = state.since if role is state.role else now
    return GroupState(role, reason, short, good_since, since)


def due_in(group: AnnouncedGroup, state: GroupState, now: float) -> float | None:
    """Return the seconds until a group that rises is announced; None if it does not rise."""
    if state.good_since is None:
        return None
    return max(0.0, state.good_since + group.rise - now)


def _permit(group: AnnouncedGroup, facts: Facts, short_pool: str) -> _Decision:
    if facts.leaving:
        return _Decision(AnnouncementRole.WITHDRAWN, "the director stops")
    if group.name in facts.handed_over:
        return _Decision(AnnouncementRole.WITHDRAWN, HANDED_OVER)
    if facts.unfit:
        return _Decision(AnnouncementRole.RELUCTANT, f"not fit to serve: {facts.unfit[0]}")
    if facts.blind:
        return _Decision(AnnouncementRole.RELUCTANT, "the director is blind")
    if short_pool:
        return _Decision(_WHEN_SHORT[group.when_short], short_pool)
    return _Decision(AnnouncementRole.ANNOUNCED, "all conditions hold")


_WHEN_SHORT: Final = {
    WhenShort.RELUCTANT: AnnouncementRole.RELUCTANT,
    WhenShort.WITHDRAW: AnnouncementRole.WITHDRAWN,
    WhenShort.ANNOUNCE: AnnouncementRole.ANNOUNCED,
}


def _find_short_pool(
    group: AnnouncedGroup, was_short: bool | None, passing: Mapping[str, float]
) -> tuple[str, bool]:
    """Return the reason why a pool is short, or nothing, and whether there is one.

    A pool that was not short becomes short below the low mark. Otherwise, and at the first
    decision, it needs the high mark.
    """
    mark = group.passing.low if was_short is False else group.passing.high
    for pool in group.pools:
        part = passing.get(pool)
        if part is not None and part < mark:
            return f"{pool} is short: {part:.0f}% of its weight pass, {mark}% needed", True
    return "", False
