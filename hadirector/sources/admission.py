"""Decides which changes of a source a pool takes. Pure.

A source yields whole snapshots of its members. The accepted members stay until a better snapshot
comes, however long the source is silent. A member that a snapshot no longer has is absent: it gets
no new connections, and leaves when its connections have ended.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from ipaddress import ip_address
from typing import Final, NamedTuple

import msgspec

from hadirector.model.discovery import AdmissionPolicy, Member

Key = tuple[str, int]
ABSENT_SECONDS_MIN: Final = 2.0
"""The least time for which an absent member stays, until its weight in the kernel surely is 0."""


class AcceptedMember(msgspec.Struct, frozen=True, gc=False):
    """A member of a pool. ``absent_since`` is in monotonic seconds, None while it is present."""

    member: Member
    absent_since: float | None = None


class Accepted(msgspec.Struct, frozen=True):
    """The members of a pool in the order of their addresses.

    ``removed_at`` has the times at which members became absent in the last window of the pace.
    """

    members: tuple[AcceptedMember, ...] = ()
    removed_at: tuple[float, ...] = ()

    @property
    def present(self) -> int:
        """The number of members that are not absent."""
        return sum(each.absent_since is None for each in self.members)

    @property
    def serving(self) -> int:
        """The number of present members that a weight of 0 does not take out."""
        return _count_serving([each.member for each in self.members if each.absent_since is None])


NOTHING_ACCEPTED: Final = Accepted()


class Admission(NamedTuple):
    """A decision: what is accepted now, and what waits.

    ``refusal`` is the reason why the snapshot is not taken, or empty. ``waiting`` describes the
    changes that wait. ``due`` is when they may go on, in monotonic seconds.
    """

    accepted: Accepted
    refusal: str = ""
    waiting: tuple[str, ...] = ()
    due: float | None = None


def admit(
    accepted: Accepted,
    snapshot: Sequence[Member],
    policy: AdmissionPolicy,
    now: float,
    *,
    seen_at: float,
    idle: Collection[Key] = (),
    confirmed: bool = False,
) -> Admission:
    """Decide what a pool takes of a snapshot.

    ``seen_at`` is when this snapshot was first seen, for ``settle``. ``idle`` are the absent
    members without connections. ``confirmed`` takes a snapshot that is smaller than the minimum.
    """
    named = {member.key: member for member in snapshot}
    staying = [member for member in named.values() if not member.leaving]
    refusal = "" if confirmed else _refuse(accepted.serving, _count_serving(staying), policy)
    if refusal:
        kept = _drop_idle(accepted, policy, now, idle, named={})
        return Admission(kept, refusal)
    known = {each.member.key: each for each in accepted.members}
    additions = _additions(known, staying)
    settles_at = seen_at + policy.settle
    settled = now >= settles_at or not known
    missing = [
        key
        for key, each in known.items()
        if each.absent_since is None and (key not in named or named[key].leaving)
    ]
    free, window = _pace(accepted, policy, now)
    announced = [key for key in missing if key in named]
    silent = [key for key in missing if key not in named]
    removed = set(silent[:free]) | set(announced)
    window += (now,) * min(len(silent), free)
    members: dict[Key, AcceptedMember] = {}
    for key, each in known.items():
        if key in removed:
            members[key] = AcceptedMember(each.member, now)
        elif key in named and not named[key].leaving and (settled or key not in additions):
            members[key] = AcceptedMember(named[key])
        else:
            members[key] = each
    if settled:
        members |= {key: AcceptedMember(member) for key, member in additions.items()}
    ordered = tuple(members[key] for key in sorted(members, key=_order))
    taken = _drop_idle(Accepted(ordered, window), policy, now, idle, named)
    waiting, due = [], []
    if additions and not settled:
        waiting.append(f"{_count(len(additions))} settle for {settles_at - now:.0f} s")
        due.append(settles_at)
    if len(silent) > free:
        waiting.append(f"{_count(len(silent) - free)} absent, and wait for the pace")
        due.append((window[0] if window else now) + policy.pace_seconds)
    return Admission(taken, "", tuple(waiting), min(due, default=None))


def _order(key: Key) -> tuple[int, bytes, int]:
    """Sort by address family, address and port. All directors have the members in this order."""
    packed = ip_address(key[0]).packed
    return len(packed), packed, key[1]


def _count_serving(members: Sequence[Member]) -> int:
    return sum(member.weight != 0 for member in members)


def _refuse(present: int, found: int, policy: AdmissionPolicy) -> str:
    """Return why a snapshot with this number of members is too small, or nothing."""
    needed = max(1, -(-present * policy.minimum // 100)) if present else 0
    if found >= needed:
        return ""
    return (
        f"the source names {_count(found)}, and at least {needed} of {present} are expected"
        f" ({policy.minimum}%)"
    )


def _additions(known: Mapping[Key, AcceptedMember], staying: Sequence[Member]) -> dict[Key, Member]:
    """Return the members that the pool does not have, or that are absent, or are another server."""
    return {
        member.key: member
        for member in staying
        if (each := known.get(member.key)) is None
        or each.absent_since is not None
        or each.member.identity != member.identity
    }


def _pace(accepted: Accepted, policy: AdmissionPolicy, now: float) -> tuple[int, tuple[float, ...]]:
    """Return how many members may become absent now, and the times that still count.

    The pace is a part of the members at the beginning of the window. A member that has become
    absent and has returned since then counts once.
    """
    window = tuple(at for at in accepted.removed_at if now - at < policy.pace_seconds)
    gone = sum(
        each.absent_since is not None and now - each.absent_since < policy.pace_seconds
        for each in accepted.members
    )
    allowed = max(1, (accepted.present + gone) * policy.pace_percent // 100)
    return max(0, allowed - len(window)), window


def _drop_idle(
    accepted: Accepted,
    policy: AdmissionPolicy,
    now: float,
    idle: Collection[Key],
    named: Mapping[Key, Member],
) -> Accepted:
    """Remove the absent members that have no connections any more and whose time is over."""
    return Accepted(
        tuple(
            each
            for each in accepted.members
            if each.absent_since is None
            or now - each.absent_since < max(policy.absent_hold, ABSENT_SECONDS_MIN)
            or each.member.key in named
            or each.member.key not in idle
        ),
        accepted.removed_at,
    )


def _count(number: int) -> str:
    return f"{number} member{'' if number == 1 else 's'}"
