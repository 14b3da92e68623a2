"""Converts the decision about a pool to IPVS services and destinations. Pure."""

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
    """Return the IPVS services of a virtual server with the destinations from the decision.

    Outgoing real servers come first, because they are already in the table. New real servers
    follow.
    """
    weights = {key: steps[-1].weight for key, steps in judgement.derivations.items()}
    if server.sorry_server is not None and judgement.sorry is not None:
        weights[server.sorry_server.key] = judgement.sorry[-1].weight
    servers = {real_server.key: real_server for real_server in server.all_servers}
    pool = [
        (servers[key], _destination(server, servers[key], weight))
        for key, weight in weights.items()
        if weight is not None
    ]
    hashed = server.service.scheduler in HASH_SCHEDULERS
    outgoing = judgement.hold.outgoing.destinations if judgement.hold.outgoing else {}
    entries = {}
    for key in server.keys:
        leaving = outgoing.get(key, {})
        members = {member.destination_key(key): destination for member, destination in pool}
        shares = {member.destination_key(key): member.weight for member, _ in pool}
        shares |= {name: destination.weight for name, destination in leaving.items()}
        entries[key] = ServiceEntry(
            server.service, {**leaving, **members}, shares if hashed else {}
        )
    return entries


def _destination(server: VirtualServer, real_server: RealServer, weight: int) -> Destination:
    return Destination(
        weight,
        server.kernel_forwarding_of(real_server),
        real_server.upper_threshold,
        real_server.lower_threshold,
        real_server.tunnel,
    )


def tracked_pools(
    configuration: Configuration, quorums: Mapping[str, bool]
) -> dict[TrackedKey, int]:
    """Return the values of the pools that VRRP instances track: 1 with the quorum, 0 without.

    A pool whose quorum is not known yet is left out.
    """
    names = {name for instance in configuration.vrrp for name in instance.tracked_names("pool")}
    return {TrackedKey("pool", name): int(quorums[name]) for name in names if name in quorums}
