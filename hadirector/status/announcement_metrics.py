"""Converts the state of announced addresses to metrics. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import Metric

from hadirector.announce.decision import AnnouncementRole
from hadirector.announce.status import AnnouncementStatus
from hadirector.status.families import gauge_family


def announcement_families(status: AnnouncementStatus | None, digest: str) -> Iterator[Metric]:
    """Yield the metrics of announced addresses. Without a status they have no sample."""
    yield gauge_family(
        "hash_tables_info",
        "Digest of everything that shapes the tables of sh and mh. Always 1.",
        ("digest",),
        [((digest,), 1)] if digest else [],
    )
    groups = () if status is None else status.groups
    yield gauge_family(
        "announcement_role",
        "1 for the current role of the group, 0 for its other roles.",
        ("group", "role"),
        (
            ((group.name, role.value), group.role is role)
            for group in groups
            for role in AnnouncementRole
        ),
    )
    yield gauge_family(
        "announcement_passing_ratio",
        "Passing part of the configured weight of a pool that the group depends on.",
        ("group", "virtual_server"),
        (
            ((group.name, pool), percent / 100)
            for group in groups
            for pool, percent in group.passing.items()
        ),
    )
    yield gauge_family(
        "announcement_failures",
        "Operations on announced addresses that failed at the latest attempt.",
        (),
        [] if status is None else [((), len(status.failures))],
    )
    engine = None if status is None else status.engine
    yield gauge_family(
        "routing_session_established",
        "Whether a BGP session of the routing engine is established.",
        ("neighbor",),
        (((each.neighbor,), each.established) for each in (engine.sessions if engine else ())),
    )
    yield gauge_family(
        "routing_engine_answers",
        "Whether the routing engine answers.",
        (),
        [] if engine is None else [((), not engine.fault)],
    )
