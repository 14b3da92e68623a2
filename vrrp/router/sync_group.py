"""The rules of a sync group: all of its instances are ACTIVE, or none is.

- A member whose Active_Down_Timer has expired does not become ACTIVE. It waits until every member
  is ready.
- A member with a fault keeps all members in INITIALIZE.
- A member that loses an election makes all members BACKUP.
- A member that seeks a better peer makes all members hand over.

An instance without a sync group is a group with one member.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from vrrp.model.report import State
from vrrp.router.event import (
    BetterPeerSought,
    Event,
    GroupBecomesActive,
    GroupBecomesBackup,
    Shutdown,
    Startup,
)


class MemberStatus(msgspec.Struct, frozen=True):
    """The state of one member at one moment.

    - ``fault``: why the member cannot take part in elections.
    - ``pending``: why the member cannot start yet.
    - ``resume``: the member continues as ACTIVE for a process that died.
    - ``ready``: the member is BACKUP, and its Active_Down_Timer has expired.
    - ``handing_over``: the router of the member decides when the handover has ended.
    - ``seeks_better_peer``: if the member is ACTIVE, it should hand over.
    """

    name: str
    state: State
    fault: str | None = None
    pending: str | None = None
    resume: bool = False
    ready: bool = False
    handing_over: bool = False
    seeks_better_peer: bool = False


def decide(members: Sequence[MemberStatus]) -> dict[str, Event]:
    """Return the next event of each member that must change its state, by the name of the member.

    Call it again after the events were handled, until it returns no event.
    """
    faulty = [member for member in members if member.fault is not None]
    if faulty:
        return _shut_down(members, faulty[0])
    stopped = [member for member in members if member.state is State.INITIALIZE]
    if stopped:
        startable = all(member.pending is None for member in members)
        return {each.name: Startup(resume=each.resume) for each in stopped} if startable else {}
    backups = [member for member in members if member.state is State.BACKUP]
    staying = [member for member in members if not member.handing_over]
    if not backups and any(member.seeks_better_peer for member in staying):
        return {member.name: BetterPeerSought() for member in staying}
    if len(backups) < len(members):
        return _become_backup(members, backups)
    if all(member.ready for member in backups):
        return {member.name: GroupBecomesActive() for member in backups}
    return {}


def _shut_down(members: Sequence[MemberStatus], faulty: MemberStatus) -> dict[str, Event]:
    """Shut down all members. A member without a fault gets the fault of the first faulty member."""
    reason = f"{faulty.fault} (sync group member {faulty.name})"
    return {
        member.name: Shutdown(member.fault or reason)
        for member in members
        if member.state is not State.INITIALIZE
    }


def _become_backup(
    members: Sequence[MemberStatus], backups: Sequence[MemberStatus]
) -> dict[str, Event]:
    """Make every ACTIVE member BACKUP if one member is, except members that are handing over."""
    if not backups:
        return {}
    reason = f"sync group member {backups[0].name} is not ACTIVE"
    return {
        member.name: GroupBecomesBackup(reason)
        for member in members
        if member.state is State.ACTIVE and not member.handing_over
    }
