"""Announced addresses with one fault each: the status, and the level, code and object of it."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from hadirector.announce.decision import HANDED_OVER, AnnouncementRole
from hadirector.announce.engine_answers import EngineReading, Session
from hadirector.announce.status import AnnouncementStatus, GroupStatus
from hadirector.status.verdict import Level

WEB: Final = GroupStatus(
    "web", ("203.0.113.1",), AnnouncementRole.ANNOUNCED, "all conditions hold", 9.0
)
UP, DOWN = Session("192.0.2.1", "Established"), Session("192.0.2.2", "Active")
GOOD: Final = AnnouncementStatus("d0", "d1", (WEB,), engine=EngineReading((UP,)))


def with_role(role: AnnouncementRole) -> AnnouncementStatus:
    return replace(GOOD, groups=(replace(WEB, role=role, reason="the director is blind"),))


FAULTS: Final[dict[str, tuple[AnnouncementStatus, Level, str, str]]] = {
    "reluctant": (
        with_role(AnnouncementRole.RELUCTANT),
        Level.DEGRADED,
        "group_reluctant",
        "group web",
    ),
    "withdrawn": (
        with_role(AnnouncementRole.WITHDRAWN),
        Level.CRITICAL,
        "group_withdrawn",
        "group web",
    ),
    "no session": (
        replace(GOOD, engine=EngineReading((DOWN,))),
        Level.CRITICAL,
        "announced_to_no_router",
        "announcements",
    ),
    "no engine": (
        replace(GOOD, engine=EngineReading(fault="bird does not answer")),
        Level.CRITICAL,
        "announced_to_no_router",
        "announcements",
    ),
    "one session down": (
        replace(GOOD, engine=EngineReading((UP, DOWN))),
        Level.DEGRADED,
        "routing_session_down",
        "router 192.0.2.2",
    ),
    "handed over": (
        replace(
            GOOD,
            groups=(
                replace(WEB, role=AnnouncementRole.WITHDRAWN, reason=HANDED_OVER),
                replace(WEB, name="dns"),
            ),
        ),
        Level.OK,
        "handed_over",
        "group web",
    ),
    "other tables": (
        replace(GOOD, differing={"web": "lb2 announces web with other hash tables"}),
        Level.DEGRADED,
        "hash_tables_differ",
        "group web",
    ),
    "kernel": (
        replace(GOOD, failures=("203.0.113.1 cannot be added",)),
        Level.CRITICAL,
        "announcement_failing",
        "announcements",
    ),
}
