"""Finds the problems of announced addresses. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hadirector.announce.decision import HANDED_OVER, AnnouncementRole
from hadirector.announce.status import AnnouncementStatus, GroupStatus
from hadirector.status.verdict import Level, Problem


def announcement_problems(status: AnnouncementStatus) -> Iterator[Problem]:
    """Yield the problems of all groups, of the engine, and of the kernel state."""
    for group in status.groups:
        if group.role is not AnnouncementRole.ANNOUNCED:
            yield _group_problem(group)
    announced = any(group.role is not AnnouncementRole.WITHDRAWN for group in status.groups)
    if status.engine is not None:
        established = sum(session.established for session in status.engine.sessions)
        if announced and not established:
            reason = status.engine.fault or "no session of the routing engine is established"
            yield Problem(
                level=Level.CRITICAL,
                code="announced_to_no_router",
                object="announcements",
                reason=f"the addresses are announced to no router: {reason}",
                remedy="look at the routing engine; `hadirector doctor -c FILE` examines it",
            )
        for session in status.engine.sessions:
            if established and not session.established:
                yield Problem(
                    level=Level.DEGRADED,
                    code="routing_session_down",
                    object=f"router {session.neighbor}",
                    reason=f"the session with {session.neighbor} is {session.state}",
                    remedy="look at the session in the routing engine and on the router",
                )
    for group_name, reason in status.differing.items():
        yield Problem(
            level=Level.DEGRADED,
            code="hash_tables_differ",
            object=f"group {group_name}",
            reason=f"{reason}: connections that a router moves may break",
            remedy="give all directors the same configuration; `hadirector pair diff` compares it",
        )
    for failure in status.failures:
        yield Problem(
            level=Level.CRITICAL,
            code="announcement_failing",
            object="announcements",
            reason=failure,
            remedy="remove the cause in the message; the director repeats the operation",
        )


def _group_problem(group: GroupStatus) -> Problem:
    if group.reason == HANDED_OVER:
        return Problem(
            level=Level.OK,
            code="handed_over",
            object=f"group {group.name}",
            reason=f"{HANDED_OVER}: other directors serve its addresses",
            remedy=f"`hadirector handover {group.name} --undo` ends this",
        )
    withdrawn = group.role is AnnouncementRole.WITHDRAWN
    return Problem(
        level=Level.CRITICAL if withdrawn else Level.DEGRADED,
        code="group_withdrawn" if withdrawn else "group_reluctant",
        object=f"group {group.name}",
        reason=f"{group.name} is {group.role}: {group.reason}",
        remedy="remove the cause; the group is announced when all conditions hold for `rise`",
    )
