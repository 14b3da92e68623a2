"""Finds the problems of discovery sources, and converts their state to metrics. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from prometheus_client.core import Metric

from hadirector.sources.status import SourceStatus
from hadirector.status.families import gauge_family
from hadirector.status.verdict import Level, Problem

STALE_SECONDS: Final = 30.0
"""A shorter failure of a source is not a problem: the accepted list stays."""


def source_problems(sources: Sequence[SourceStatus]) -> Iterator[Problem]:
    """Yield the sources that cannot be read, and the lists that are not taken."""
    for source in sources:
        if source.failing_for is not None and source.failing_for >= STALE_SECONDS:
            yield Problem(
                level=Level.DEGRADED,
                code="source_failing",
                object=f"source {source.name}",
                reason=f"the source cannot be read: {source.failure}; its pools keep their members",
                remedy=f"repair {source.location}; `hadirector source list` shows the state",
                age=source.failing_for,
            )
        for pool in source.pools:
            if pool.refusal:
                yield Problem(
                    level=Level.DEGRADED,
                    code="members_refused",
                    object=pool.virtual_server,
                    reason=f"the list of {source.name} is not taken: {pool.refusal}",
                    remedy="correct the source; if the list is right,"
                    f" `hadirector source accept {source.name}` takes it",
                )


def source_families(sources: Sequence[SourceStatus]) -> Iterator[Metric]:
    """Yield the metrics of the sources. An unknown value has no sample."""
    yield gauge_family(
        "source_age_seconds",
        "Time since the source last confirmed its list.",
        ("source",),
        (((each.name,), each.age) for each in sources if each.age is not None),
    )
    yield gauge_family(
        "source_failing",
        "Whether the source cannot be read.",
        ("source",),
        (((each.name,), each.failing_for is not None) for each in sources),
    )
    pools = [(each.name, pool) for each in sources for pool in each.pools]
    yield gauge_family(
        "source_members",
        "Accepted members of a pool, by state.",
        ("source", "virtual_server", "state"),
        (
            ((name, pool.virtual_server, state), number)
            for name, pool in pools
            for state, number in (("present", pool.present), ("absent", pool.absent))
        ),
    )
    yield gauge_family(
        "source_refused",
        "Whether the latest list of the source is not taken.",
        ("source", "virtual_server"),
        (((name, pool.virtual_server), bool(pool.refusal)) for name, pool in pools),
    )
