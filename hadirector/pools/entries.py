"""Decides what the dataplane should hold, from the configuration and what was judged.

Pure: judgements and states in, tables and address sets out.
"""

from __future__ import annotations

from collections.abc import Mapping

from hadirector.model.configuration import Configuration, RealServer, VirtualServer
from hadirector.model.ipvs import (
    HASH_SCHEDULERS,
    Destination,
    ServiceEntry,
    ServiceKey,
)
from hadirector.pools.decision import Judgement
from vrrp.model.configuration import TrackedKey


def wanted_entries(server: VirtualServer, judgement: Judgement) -> dict[ServiceKey, ServiceEntry]:
    """Make one virtual server's services and destinations of what was decided of its pool."""
    weights = {key: steps[-1].weight for key, steps in judgement.derivations.items()}
    if server.sorry_server is not None and judgement.sorry is not None:
        weights[server.sorry_server.key] = judgement.sorry[-1].weight
    servers = {each.key: each for each in server.all_servers}
    pool = [
        (servers[key], _destination(server, servers[key], weight))
        for key, weight in weights.items()
        if weight is not None
    ]
    hashed = server.service.scheduler in HASH_SCHEDULERS
    return {
        key: ServiceEntry(
            server.service,
            {each.destination_key(key): destination for each, destination in pool},
            {each.destination_key(key): each.weight for each, _ in pool} if hashed else {},
        )
        for key in server.keys
    }


def _destination(server: VirtualServer, real_server: RealServer, weight: int) -> Destination:
    return Destination(
        weight,
        server.kernel_forwarding,
        real_server.upper_threshold,
        real_server.lower_threshold,
        real_server.tunnel,
    )


def tracked_pools(
    configuration: Configuration, quorums: Mapping[str, bool]
) -> dict[TrackedKey, int]:
    """Say for each pool that a VRRP instance tracks whether it has its quorum: 1, or else 0.

    One of which too little is known yet is left out.
    """
    names = {name for instance in configuration.vrrp for name in instance.tracked("pool")}
    return {TrackedKey("pool", name): int(quorums[name]) for name in names if name in quorums}
