"""Decides the states in which pools continue after a restart or a reload. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from checks.definition.queries import requests_exit_weight
from checks.definition.result import Verdict
from hadirector.health.target import Assumptions
from hadirector.model.configuration import Configuration
from hadirector.model.ipvs import DestinationKey, Table
from hadirector.model.queries import checked_real_servers, find_successors
from hadirector.overrides.model import RealServerName
from hadirector.pools.slow_start import LONG_AGO


class PoolsSnapshot(msgspec.Struct, frozen=True):
    """The part of the stored snapshot about pools.

    ``quorums`` is whether each pool had its quorum, by virtual server. ``serving_since`` is the
    time at which each real server with slow start began to serve, by
    VIRTUAL_SERVER/REAL_SERVER, in monotonic seconds. ``required`` is how many new real servers
    must serve before the outgoing real servers leave, by virtual server.
    """

    quorums: dict[str, bool] = {}
    serving_since: dict[str, float] = {}
    required: dict[str, int] = {}


def take_snapshot(
    configuration: Configuration,
    quorums: Mapping[str, bool],
    serving_since: Mapping[str, Mapping[DestinationKey, float]],
    required: Mapping[str, int],
) -> PoolsSnapshot:
    """Return the snapshot of these pools."""
    found: dict[str, float] = {}
    for server in configuration.virtual_servers:
        since = serving_since.get(server.name)
        if not since:
            continue
        for real_server in server.real_servers:
            began = since.get(real_server.key, LONG_AGO)
            if began != LONG_AGO:
                found[str(RealServerName(server.name, real_server.name))] = began
    return PoolsSnapshot(dict(quorums), found, dict(required))


def adopted_quorums(
    configuration: Configuration, table: Table, snapshot: PoolsSnapshot
) -> dict[str, bool]:
    """Return for each pool whether it had its quorum in the previous run.

    The snapshot has the answer. Without a snapshot, a sorry server that serves in the table
    shows that its pool has lost the quorum.
    """
    names = {server.name for server in configuration.virtual_servers}
    lost = {
        server.name: False
        for server in configuration.virtual_servers
        if server.sorry_server is not None
        and any(
            sorry.weight
            for key in server.keys
            if (entry := table.get(key)) is not None
            and (sorry := entry.destinations.get(server.sorry_server.destination_key(key)))
            is not None
        )
    }
    known = {name: quorum for name, quorum in snapshot.quorums.items() if name in names}
    return {**lost, **known}


def adopted_serving_since(
    configuration: Configuration, table: Table, snapshot: PoolsSnapshot
) -> dict[str, Mapping[DestinationKey, float]]:
    """Return the time at which each real server with a weight in the table began to serve.

    A real server without an entry in the snapshot has the time LONG_AGO.
    """
    return {
        server.name: {
            real_server.key: snapshot.serving_since.get(
                str(RealServerName(server.name, real_server.name)), LONG_AGO
            )
            for real_server in server.real_servers
            for key in server.keys
            if (entry := table.get(key)) is not None
            and (destination := entry.destinations.get(real_server.destination_key(key)))
            is not None
            and destination.weight
        }
        for server in configuration.virtual_servers
    }


def adopted_verdicts(configuration: Configuration, table: Table) -> dict[str, Verdict]:
    """Infer verdicts from an IPVS table, by the identity of the check.

    A destination with a weight was passing. A destination with weight 0 was failing, unless 0
    is its configured weight. A target that is in use in one pool counts as passing in all
    pools. There is no verdict on a target that is not in the table, nor on a sorry server with
    weight 0, which may be on standby.
    """
    verdicts: dict[str, Verdict] = {}
    for server, real_server, check in checked_real_servers(configuration):
        weights = [
            entry.destinations[key].weight
            for service in server.keys
            if (entry := table.get(service)) is not None
            and (key := real_server.destination_key(service)) in entry.destinations
        ]
        if not weights or (real_server is server.sorry_server and not any(weights)):
            continue
        passing = any(weights) or real_server.weight == 0
        if passing or check.identity not in verdicts:
            verdicts[check.identity] = Verdict.PASSING if passing else Verdict.FAILING
    return verdicts


def assume(
    old: Configuration,
    new: Configuration,
    table: Table,
    held: Mapping[str, Collection[DestinationKey]],
) -> Assumptions:
    """Return the verdicts to assume for checks that a reload adds, until their first results.

    ``held`` are the real servers that are held in their pools, by virtual server. Nothing is
    assumed about a real server whose address another server had before.
    """
    before = {
        (server.name, real_server.key): real_server.check
        for server in old.virtual_servers
        for real_server in server.real_servers
        if real_server.check is not None
    }
    replaced = set(find_successors(old, new))
    unknown: set[str] = set()
    predecessors: dict[str, str] = {}
    held_checks: set[str] = set()
    for server in new.virtual_servers:
        held_keys = held.get(server.name, ())
        for real_server in server.real_servers:
            check = real_server.check
            predecessor = before.get((server.name, real_server.key))
            if check is None or predecessor is None or check.identity == predecessor.identity:
                continue
            if (server.name, real_server.name) in replaced:
                unknown.add(check.identity)
                continue
            is_held = real_server.key in held_keys
            same_unit = requests_exit_weight(check.probe) is requests_exit_weight(predecessor.probe)
            if is_held or (same_unit and check.identity not in held_checks):
                predecessors[check.identity] = predecessor.identity
            if is_held:
                held_checks.add(check.identity)
    verdicts = {
        identity: verdict
        for identity, verdict in adopted_verdicts(new, table).items()
        if identity not in unknown
    }
    return Assumptions(verdicts, predecessors, frozenset(held_checks))
