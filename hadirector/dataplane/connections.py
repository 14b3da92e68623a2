"""Counts the connections of a real server over all services of its virtual server. Pure."""

from __future__ import annotations

from hadirector.dataplane.dataplane import TableCounters
from hadirector.model.configuration import RealServer, VirtualServer


def connections(server: VirtualServer, real_server: RealServer, table: TableCounters) -> int | None:
    """Count the connections of a real server; None while it may still get new connections."""
    found = [table.get(key, {}).get(real_server.destination_key(key)) for key in server.keys]
    counters = [counter for counter in found if counter is not None]
    if any(counter.weight for counter in counters):
        return None
    return sum(counter.active + counter.inactive for counter in counters)
