"""What a director says about itself: one value, made from the facts of this moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
from msgspec.structs import astuple

from checks.definition.result import Result, Verdict
from checks.scheduling.lateness import ProbeLateness
from hadirector.dataplane.dataplane import NO_TRAFFIC, Counters, TableCounters, Traffic
from hadirector.host.status import HostStatus
from hadirector.model.configuration import Configuration, RealServer, VirtualServer
from hadirector.model.ipvs import ServiceKey, Table
from hadirector.model.vip_probes import probe_services
from hadirector.overrides.model import Action, Override, RealServerName
from hadirector.pools.candidate import Derivation
from hadirector.pools.decision import Judgement
from vrrp.model.report import InstanceStatus

PLACES_MAX = 3
"""Services of a virtual server that are named."""


class ProcessStatus(msgspec.Struct, frozen=True):
    """A child process; ``pid`` is None while it is not running."""

    name: str
    pid: int | None
    restarts: int


class RealServerStatus(msgspec.Struct, frozen=True):
    """A real server; a weight is None where it is not in the table.

    ``weight_reason`` says why the wanted weight is not simply what the check makes of the
    configured one. ``override`` is what an operator has ordered for it.
    """

    address: str
    configured_weight: int
    wanted_weight: int | None
    actual_weight: int | None
    active_connections: int
    inactive_connections: int
    verdict: Verdict
    reason: str
    weight_reason: str = ""
    total: Traffic = NO_TRAFFIC
    per_second: Traffic = NO_TRAFFIC
    override: Action | None = None


class VirtualServerStatus(msgspec.Struct, frozen=True):
    """A virtual server with its real servers; ``present`` tells whether the dataplane has it.

    Connections and traffic are those of all its servers together.

    ``held`` are the failing real servers that would have been removed, ``unseen`` those of them
    that are kept because they were lost from sight with all others. ``quorum`` says how the pool
    stands to its quorum where that is lost, or more than one server: ``passing_weight`` is judged
    by ``needed_weight``, and ``has_quorum`` is None while too little is known.
    """

    name: str
    address: str
    protocol: str
    scheduler: str
    forwarding: str
    present: bool
    real_servers: tuple[RealServerStatus, ...]
    quorum: str = ""
    held: tuple[str, ...] = ()
    sorry_server: RealServerStatus | None = None
    active_connections: int = 0
    inactive_connections: int = 0
    total: Traffic = NO_TRAFFIC
    per_second: Traffic = NO_TRAFFIC
    unseen: tuple[str, ...] = ()
    has_quorum: bool | None = None
    passing_weight: int = 0
    needed_weight: int = 1


class Status(msgspec.Struct, frozen=True):
    """The whole director. ``failing`` maps an operation that did not take to the error.

    ``orphaned_overrides`` are in force for real servers that are not configured. ``blind`` says
    that this director sees none of its backends, by its own fault. ``delayed_probes``, ``hints``
    and ``idle_connections`` are as in `CheckStatistics`.
    """

    name: str
    version: str
    pid: int
    dataplane: str
    processes: tuple[ProcessStatus, ...]
    instances: tuple[InstanceStatus, ...]
    virtual_servers: tuple[VirtualServerStatus, ...]
    foreign_services: tuple[str, ...]
    failing: dict[str, str]
    repaired: int
    probes: int
    probe_lateness: ProbeLateness = ProbeLateness()
    hints: int = 0
    idle_connections: int = 0
    host: HostStatus = HostStatus()
    orphaned_overrides: tuple[str, ...] = ()
    blind: bool = False
    delayed_probes: int = 0


def virtual_server_status(
    server: VirtualServer,
    wanted: Table,
    held: TableCounters,
    verdicts: Mapping[str, Verdict],
    results: Mapping[str, Result],
    *,
    judgement: Judgement | None,
    overrides: Mapping[RealServerName, Override],
) -> VirtualServerStatus:
    """Put side by side what is configured, wanted and there; not judged yet it is unknown why."""
    sorry = server.sorry_server
    derivations = dict(judgement.derivations) if judgement else {}
    held_back = judgement.held if judgement else ()
    unseen = judgement.unseen if judgement else ()
    if sorry is not None and judgement is not None and judgement.sorry is not None:
        derivations[sorry.key] = judgement.sorry
    statuses = [
        _real_server(
            each,
            _in_table(server, each, wanted, held),
            _health(each, verdicts, results),
            derivations.get(each.key, ()),
            overrides.get(RealServerName(server.name, each.name)),
        )
        for each in server.all_servers
    ]
    return VirtualServerStatus(
        name=server.name,
        address=_places(server.keys),
        protocol="any" if server.keys[0].firewall_mark else server.keys[0].protocol,
        scheduler=server.service.scheduler,
        forwarding=server.forwarding,
        present=all(key in held for key in server.keys),
        real_servers=tuple(statuses[: len(server.real_servers)]),
        quorum=_quorum(server, judgement) if judgement else "",
        held=tuple(each.name for each in server.real_servers if each.key in held_back),
        sorry_server=statuses[-1] if sorry is not None else None,
        active_connections=sum(each.active_connections for each in statuses),
        inactive_connections=sum(each.inactive_connections for each in statuses),
        total=_sum(each.total for each in statuses),
        per_second=_sum(each.per_second for each in statuses),
        unseen=tuple(each.name for each in server.real_servers if each.key in unseen),
        has_quorum=judgement.quorum if judgement else None,
        passing_weight=judgement.passing if judgement else 0,
        needed_weight=server.quorum,
    )


def foreign_services(configuration: Configuration, held: TableCounters) -> tuple[str, ...]:
    """Name the services in the table that are neither configured nor lead our probes."""
    ours = {key for server in configuration.virtual_servers for key in server.keys}
    ours |= probe_services(configuration).keys()
    return tuple(str(key) for key in sorted(held.keys() - ours))


def _places(keys: Sequence[ServiceKey]) -> str:
    """Name the services of a virtual server, or the first and how many more there are."""
    said = ", ".join(key.place for key in keys[:PLACES_MAX])
    return said if len(keys) <= PLACES_MAX else f"{said} and {len(keys) - PLACES_MAX} more"


class _InTable(NamedTuple):
    """What all the services of a virtual server hold of one real server."""

    wanted_weight: int | None
    actual_weight: int | None
    carried: list[Counters]


def _in_table(
    server: VirtualServer, real_server: RealServer, wanted: Table, held: TableCounters
) -> _InTable:
    keys = [(service, real_server.destination_key(service)) for service in server.keys]
    entry, destination_key = wanted.get(server.keys[0]), keys[0][1]
    destination = entry.destinations.get(destination_key) if entry else None
    wanted_weight = destination.weight if destination else None
    counters = [held.get(service, {}).get(key) for service, key in keys]
    weights = [each.weight if each else None for each in counters]
    # Of several services the one that is not as wanted is worth telling of.
    actual_weight = next((each for each in weights if each != wanted_weight), wanted_weight)
    return _InTable(wanted_weight, actual_weight, [each for each in counters if each])


def _health(
    real_server: RealServer, verdicts: Mapping[str, Verdict], results: Mapping[str, Result]
) -> tuple[Verdict, str]:
    """Say what the check of a real server came to."""
    if real_server.check is None:
        return Verdict.PASSING, "not checked"
    identity = real_server.check.identity
    result = results.get(identity)
    reason = said(result) if result else "no probe has ended yet"
    return verdicts.get(identity, Verdict.UNKNOWN), reason


def _real_server(
    real_server: RealServer,
    in_table: _InTable,
    health: tuple[Verdict, str],
    derivation: Derivation,
    override: Override | None,
) -> RealServerStatus:
    verdict, reason = health
    return RealServerStatus(
        address=real_server.name,
        configured_weight=real_server.weight,
        wanted_weight=in_table.wanted_weight,
        actual_weight=in_table.actual_weight,
        active_connections=sum(each.active for each in in_table.carried),
        inactive_connections=sum(each.inactive for each in in_table.carried),
        total=_sum(each.total for each in in_table.carried),
        per_second=_sum(each.per_second for each in in_table.carried),
        verdict=verdict,
        reason=reason,
        weight_reason="; ".join(step.words for step in derivation if step.words not in _PLAIN),
        override=override.action if override else None,
    )


def _sum(traffic: Iterable[Traffic]) -> Traffic:
    parts = [astuple(each) for each in traffic]
    return Traffic(*map(sum, zip(*parts, strict=True))) if parts else NO_TRAFFIC


_PLAIN = {"configured", "not checked", *Verdict}
"""What the check's own column says already."""


def _quorum(server: VirtualServer, judgement: Judgement) -> str:
    if judgement.quorum is False:
        return f"quorum lost: {judgement.passing} passing, of {server.quorum} needed"
    if server.quorum == 1 or judgement.quorum is None:
        return ""
    return f"quorum {server.quorum}: {judgement.passing} passing"


def said(result: Result) -> str:
    """Say what a probe came to."""
    said = result.detail if result.passed else f"{result.reason}: {result.detail}"
    return f"{said}; {result.warning}" if result.warning else said
