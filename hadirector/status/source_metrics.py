"""Converts the state of discovery sources to metrics. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client.core import Metric

from hadirector.sources.status import SourceStatus
from hadirector.status.families import gauge_family


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
