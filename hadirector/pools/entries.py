"""Decides what the dataplane should hold, from the configuration and what was judged.

Pure: judgements and states in, tables and address sets out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from checks.definition.check import CheckDefinition
from checks.definition.result import Verdict
from hadirector.model.configuration import (
    HASH_SCHEDULERS,
    Configuration,
    Destination,
    DestinationKey,
    RealServer,
    ServiceEntry,
    ServiceKey,
    Table,
    VirtualServer,
)
from hadirector.overrides.model import RealServerName
from hadirector.pools.decision import Judgement
from hadirector.pools.slow_start import LONG_AGO
from vrrp.model.configuration import InstanceConfiguration
from vrrp.model.report import State


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


def tracked_pools(configuration: Configuration, quorums: Mapping[str, bool]) -> dict[str, int]:
    """Say for each pool that a VRRP instance tracks whether it has its quorum: 1, or else 0.

    One of which too little is known yet is left out.
    """
    names = {name for instance in configuration.vrrp for name in instance.tracked("pool")}
    return {f"pool {name}": int(quorums[name]) for name in names if name in quorums}


def adopted_quorums(configuration: Configuration, table: Table) -> dict[str, bool]:
    """Read off the table that a previous run left behind which pools had lost their quorum.

    Of those without a sorry server it does not say.
    """
    return {
        server.name: False
        for server in configuration.virtual_servers
        if server.sorry_server is not None
        and any(
            server.sorry_server.destination_key(key) in entry.destinations
            for key in server.keys
            if (entry := table.get(key)) is not None
        )
    }


def adopted_admissions(
    configuration: Configuration, table: Table, admitted: Mapping[str, float]
) -> dict[str, dict[DestinationKey, float]]:
    """Take what serves in the table of a previous run for ``admitted`` then, or long ago."""
    return {
        server.name: {
            each.key: admitted.get(str(RealServerName(server.name, each.name)), LONG_AGO)
            for each in server.real_servers
            for key in server.keys
            if (entry := table.get(key)) is not None
            and (held := entry.destinations.get(each.destination_key(key))) is not None
            and held.weight
        }
        for server in configuration.virtual_servers
    }


def adopted_verdicts(configuration: Configuration, table: Table) -> dict[str, Verdict]:
    """Read verdicts off the table that a previous run left behind.

    A destination with a weight was passing; one at weight 0 that is configured with more was
    failing. What is not in the table is not known. A target that is in use anywhere counts as
    passing everywhere.
    """
    verdicts: dict[str, Verdict] = {}
    for server, real_server, check in _checked(configuration):
        weights = [
            entry.destinations[key].weight
            for service in server.keys
            if (entry := table.get(service)) is not None
            and (key := real_server.destination_key(service)) in entry.destinations
        ]
        if not weights:
            continue
        passing = any(weights) or real_server.weight == 0
        if passing or check.identity not in verdicts:
            verdicts[check.identity] = Verdict.PASSING if passing else Verdict.FAILING
    return verdicts


def changed_checks(
    old: Configuration, new: Configuration, held: Mapping[str, Collection[DestinationKey]]
) -> dict[str, str]:
    """Name the new checks of the servers that are ``held`` in their pools, with the old ones."""
    before = {
        (server.name, each.key): each.check.identity
        for server in old.virtual_servers
        for each in server.real_servers
        if each.check is not None and each.key in held.get(server.name, ())
    }
    return {
        each.check.identity: before[server.name, each.key]
        for server in new.virtual_servers
        for each in (server.real_servers if server.name in held else ())
        if each.check is not None and (server.name, each.key) in before
    }


def checks_by_identity(configuration: Configuration) -> dict[str, CheckDefinition]:
    """Collect the checks to run, each once however many pools depend on it."""
    return {check.identity: check for _, _, check in _checked(configuration)}


def services_by_check(configuration: Configuration) -> dict[str, frozenset[ServiceKey]]:
    """Name for every check the services whose pool depends on it."""
    found: dict[str, set[ServiceKey]] = {}
    for server, _, check in _checked(configuration):
        found.setdefault(check.identity, set()).update(server.keys)
    return {identity: frozenset(keys) for identity, keys in found.items()}


def withheld_addresses(
    instances: Iterable[InstanceConfiguration], states: Mapping[str, State]
) -> frozenset[str]:
    """Decide which virtual addresses must not be served here: those of instances not ACTIVE."""
    return frozenset(
        address.partition("/")[0]
        for instance in instances
        if states.get(instance.name) is not State.ACTIVE
        for address in instance.held_addresses
    )


def _checked(
    configuration: Configuration,
) -> Iterator[tuple[VirtualServer, RealServer, CheckDefinition]]:
    for server in configuration.virtual_servers:
        for real_server in server.all_servers:
            if real_server.check is not None:
                yield server, real_server, real_server.check
