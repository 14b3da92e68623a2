"""Decides what the dataplane should hold, from the configuration and what is known right now.

Pure: verdicts and states in, tables and address sets out. A weight is a function of the facts of
this moment alone, never of the weight before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from checks.definition import CheckDefinition
from checks.result import Verdict
from hadirector.model import (
    Configuration,
    Destination,
    DestinationKey,
    OnFailure,
    RealServer,
    Service,
    ServiceEntry,
    ServiceKey,
    Table,
    VirtualServer,
)
from vrrp.configuration import InstanceConfiguration
from vrrp.report import State


def wanted_table(configuration: Configuration, verdicts: Mapping[str, Verdict]) -> Table:
    """Decide every service and destination that should stand in the dataplane."""
    return {server.key: wanted_entry(server, verdicts) for server in configuration.virtual_servers}


def wanted_entry(server: VirtualServer, verdicts: Mapping[str, Verdict]) -> ServiceEntry:
    """Decide one virtual server's service and destinations.

    Destinations come in the order of their keys, the same on every director: ``sh`` and ``mh``
    build their tables in list order, and two directors must agree on them.
    """
    destinations: dict[DestinationKey, Destination] = {}
    for real_server in sorted(server.real_servers, key=lambda each: each.key):
        weight = wanted_weight(server, real_server, verdicts)
        if weight is not None:
            destinations[real_server.key] = Destination(weight, server.forwarding)
    service = Service(server.scheduler, server.flags, server.persistence)
    return ServiceEntry(service, destinations)


def wanted_weight(
    server: VirtualServer, real_server: RealServer, verdicts: Mapping[str, Verdict]
) -> int | None:
    """Decide a real server's weight; None keeps it out of the table.

    One that has not passed yet gets no new connections. Under ``zero_weight`` it stands in the
    table all the same, so that a later pass changes a weight and nothing else.
    """
    if real_server.check is None:
        return real_server.weight
    if verdicts.get(real_server.check.identity) is Verdict.PASSING:
        return real_server.weight
    return 0 if server.on_failure is OnFailure.ZERO_WEIGHT else None


def tracked_pools(configuration: Configuration, verdicts: Mapping[str, Verdict]) -> dict[str, int]:
    """Decide for each pool that a VRRP instance tracks whether it has a server: 1, or else 0.

    One of which too little is known yet is left out.
    """
    names = {name for instance in configuration.vrrp for name in instance.tracked("pool")}
    servers = [each for each in configuration.virtual_servers if each.name in names]
    known = {f"pool {each.name}": _has_server(each, verdicts) for each in servers}
    return {identity: int(has) for identity, has in known.items() if has is not None}


def _has_server(server: VirtualServer, verdicts: Mapping[str, Verdict]) -> bool | None:
    if any(wanted_weight(server, each, verdicts) for each in server.real_servers):
        return True
    checks = (each.check for each in server.real_servers if each.check is not None)
    known = all(check.identity in verdicts for check in checks)
    return False if known else None


def adopted_verdicts(configuration: Configuration, table: Table) -> dict[str, Verdict]:
    """Read verdicts off the table that a previous run left behind.

    A destination with a weight was passing; one at weight 0 that is configured with more was
    failing. What is not in the table is not known. A target that is in use anywhere counts as
    passing everywhere.
    """
    verdicts: dict[str, Verdict] = {}
    for server, real_server, check in _checked(configuration):
        entry = table.get(server.key)
        held = entry.destinations.get(real_server.key) if entry else None
        if held is None:
            continue
        passing = held.weight > 0 or real_server.weight == 0
        if passing or check.identity not in verdicts:
            verdicts[check.identity] = Verdict.PASSING if passing else Verdict.FAILING
    return verdicts


def checks_by_identity(configuration: Configuration) -> dict[str, CheckDefinition]:
    """Collect the checks to run, each once however many pools depend on it."""
    return {check.identity: check for _, _, check in _checked(configuration)}


def services_by_check(configuration: Configuration) -> dict[str, frozenset[ServiceKey]]:
    """Name for every check the services whose pool depends on it."""
    found: dict[str, set[ServiceKey]] = {}
    for server, _, check in _checked(configuration):
        found.setdefault(check.identity, set()).add(server.key)
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
        for real_server in server.real_servers:
            if real_server.check is not None:
                yield server, real_server, real_server.check
