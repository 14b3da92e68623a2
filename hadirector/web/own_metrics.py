"""The metrics of the web process itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from prometheus_client.core import Metric

from hadirector.api.problems import Code
from hadirector.status.families import counter_family, gauge_family


class Figures(NamedTuple):
    """The figures of one moment.

    ``connections`` and ``streams`` are open, ``accepted`` counts connections, and ``refused``
    counts requests by the code of their problem.
    """

    connections: int
    accepted: int
    streams: int
    refused: Counter[Code]


def web_families(figures: Figures) -> Iterator[Metric]:
    """Yield the metrics."""
    yield gauge_family(
        "web_connections", "Open connections of clients.", (), [((), figures.connections)]
    )
    yield counter_family(
        "web_connections_accepted",
        "Connections of clients that were accepted.",
        (),
        [((), figures.accepted)],
    )
    yield gauge_family(
        "web_streams", "Clients that follow the events.", (), [((), figures.streams)]
    )
    yield counter_family(
        "web_requests_refused",
        "Requests that the web process refused, by the code of the problem.",
        ("code",),
        (((code.value,), count) for code, count in sorted(figures.refused.items())),
    )
    yield counter_family(
        "web_login_failures",
        "Requests and logins without a valid proof of identity.",
        (),
        [((), figures.refused[Code.UNAUTHENTICATED])],
    )
