"""Instances that move together: all of them ACTIVE, or none.

A member whose Active_Down_Timer has run out wants to be ACTIVE and waits for the others to want it
too. One that cannot take part holds all of them out, one that loses takes all of them back. An
instance that is in no group is a group by itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from vrrp.model.report import State
from vrrp.router.event import Event, Shutdown, Startup, StepBack, TakeOver


class Member(msgspec.Struct, frozen=True):
    """One instance at this moment.

    ``fault`` is what keeps it from taking part, ``pending`` what keeps it from beginning.
    ``resume``: it goes on, as ACTIVE, for a process that died. ``wants_active``: as BACKUP it has
    waited its time. ``departing``: it hands over, and decides itself when that is done.
    """

    name: str
    state: State
    fault: str | None = None
    pending: str | None = None
    resume: bool = False
    wants_active: bool = False
    departing: bool = False


def decide(members: Sequence[Member]) -> dict[str, Event]:
    """Decide what must happen to which members now; ask again when it has happened."""
    hindered = [each for each in members if each.fault is not None]
    if hindered:
        return _hold_out(members, hindered)
    outside = [each for each in members if each.state is State.INITIALIZE]
    if outside:
        ready = all(each.pending is None for each in members)
        return {each.name: Startup(resume=each.resume) for each in outside} if ready else {}
    behind = [each for each in members if each.state is State.BACKUP]
    if len(behind) < len(members):
        return _step_back(members, behind)
    if all(each.wants_active for each in behind):
        return {each.name: TakeOver() for each in behind}
    return {}


def _hold_out(members: Sequence[Member], hindered: Sequence[Member]) -> dict[str, Event]:
    """Each for its own reason, the others for that of the first who has one."""
    first = hindered[0]
    for_others = f"{first.fault} ({first.name} of the same sync group)"
    return {
        each.name: Shutdown(each.fault or for_others)
        for each in members
        if each.state is not State.INITIALIZE
    }


def _step_back(members: Sequence[Member], behind: Sequence[Member]) -> dict[str, Event]:
    """No member stays ACTIVE beside one that is BACKUP, unless it is on its way out itself."""
    if not behind:
        return {}
    reason = f"{behind[0].name} of the same sync group is not active"
    return {
        each.name: StepBack(reason)
        for each in members
        if each.state is State.ACTIVE and not each.departing
    }
