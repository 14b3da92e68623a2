"""The status of a director: one value that contains its whole state at one moment."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import reduce
from typing import NamedTuple

import msgspec

from checks.definition.result import Reason, Verdict
from checks.scheduling.lateness import ProbeLateness
from hadirector.announce.status import AnnouncementStatus
from hadirector.dataplane.dataplane import NO_TRAFFIC, Counters, TableCounters, Traffic
from hadirector.health.target import UNKNOWN_TARGET, Targets
from hadirector.host.status import HostStatus
from hadirector.model.configuration import Configuration, RealServer, VirtualServer
from hadirector.model.ipvs import DestinationKey, ServiceKey, Table
from hadirector.model.vip_probes import probe_services
from hadirector.overrides.model import Action, Override, RealServerName
from hadirector.pools.candidate import Derivation
from hadirector.pools.decision import Judgement
from hadirector.sources.status import PublicationStatus, SourceStatus
from hadirector.status.alert_status import ReceiverStatus
from hadirector.status.configurations import PendingStatus
from hadirector.status.pair_summary import PairSummary
from hadirector.status.pause_status import PauseStatus
from hadirector.status.readiness import PairReadiness
from hadirector.status.suspicion_status import SuspicionStatus
from hadirector.status.verdict import DirectorVerdict
from vrrp.model.report import InstanceStatus

SERVICES_MAX = 3
"""Services of a virtual server that its address names."""


class ProcessStatus(msgspec.Struct, frozen=True):
    """The state of a child process. ``pid`` is None while the process does not run.

    ``version`` is the version of its program. After a restart of the director, the vrrp process
    still runs the older program.
    """

    name: str
    pid: int | None
    restarts: int
    version: str = ""


class RealServerStatus(msgspec.Struct, frozen=True, gc=False):
    """The state of a real server. Its weight is None while it is not in the table.

    ``weight_reason`` is the reason why the wanted weight does not follow from the check alone.
    ``override`` is the action of its override, and ``override_expires_in`` the seconds until
    the override is removed. ``verdict_age`` is the age of its verdict in seconds, None if the
    verdict is from an earlier run. ``certificate_expires_at`` is when its certificate expires,
    in seconds since the epoch, None without a verified certificate. ``forwarding`` is its own
    forwarding method; it is empty for the method of the virtual server. An ``absent`` real server
    is no longer in its source.
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
    verdict_age: float | None = None
    certificate_expires_at: float | None = None
    forwarding: str = ""
    override_expires_in: float | None = None
    absent: bool = False


class VirtualServerStatus(msgspec.Struct, frozen=True):
    """The state of a virtual server with its real servers.

    ``present`` is whether the dataplane has its services. Connections and traffic are the sums
    over all its servers. ``held`` are the failing real servers that stay in the pool. Some of
    them are ``unseen``: their failure began while the director was blind. ``quorum`` describes
    the quorum if it is lost or configured above 1. ``has_quorum`` compares ``passing_weight``
    with ``needed_weight`` (None while too few verdicts are known). ``outgoing`` are real
    servers that are no longer configured, and that serve until enough new real servers pass.
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
    outgoing: tuple[str, ...] = ()


class Status(msgspec.Struct, frozen=True):
    """The state of a whole director.

    ``failing`` maps each failed operation on the table to its error. ``orphaned_overrides``
    describe overrides of real servers that are not configured. ``blind`` means that the
    director receives no answer from any target, because of a fault of its own.
    ``delayed_probes``, ``hints`` and ``idle_connections`` are as in `CheckStatistics`.
    ``discarded_results`` counts, by reason, the results that a delay of this host may have
    caused. ``unattended_seconds`` is for how long the checks workers did not attend to their
    probes.

    ``unfit`` has the reasons why the director is not fit to serve; while there is any, its
    priorities are the lowest. ``warnings`` are faults that do not change what the director
    serves. ``risks`` are the part of the ``warnings`` that the configuration itself causes.
    ``difference_count`` is the number of notes about differences in effect from the program that
    the configuration file was written for. ``observing`` means that another program is in charge:
    then ``failing`` has the differences between the wanted and the actual table.
    ``process_polling`` is the reason for which tracked processes are looked for once a second and
    not noticed by events of the kernel; None if events arrive or nothing is tracked. ``verdict`` is
    None until it is decided; a director sends it with every status. ``pair`` and ``pair_readiness``
    are None without a pair link. ``table_digest`` is equal on all directors that select the same
    real servers with ``sh`` and ``mh``; empty without these. ``pending_overrides`` has, for each
    peer, the number of shared overrides that it does not have. ``publication`` is None without a
    store for summaries.
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
    pending_overrides: dict[str, int] = {}
    suspicions: SuspicionStatus = SuspicionStatus()
    blind: bool = False
    delayed_probes: int = 0
    discarded_results: dict[Reason, int] = {}
    unattended_seconds: float = 0.0
    unfit: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    observing: bool = False
    risks: tuple[str, ...] = ()
    difference_count: int = 0
    process_polling: str | None = None
    verdict: DirectorVerdict | None = None
    pause: PauseStatus | None = None
    pending_configuration: PendingStatus | None = None
    pair: PairSummary | None = None
    announcements: AnnouncementStatus | None = None
    table_digest: str = ""
    alert_receivers: tuple[ReceiverStatus, ...] = ()
    pair_readiness: PairReadiness | None = None
    sources: tuple[SourceStatus, ...] = ()
    publication: PublicationStatus | None = None


def real_server_statuses(
    server: VirtualServer,
    wanted: Table,
    actual: TableCounters,
    targets: Targets,
    *,
    judgement: Judgement | None,
    overrides: Mapping[RealServerName, Override],
    now: float,
) -> Iterator[RealServerStatus]:
    """Yield the configured, the wanted and the actual state of each real server.

    The sorry server comes last. Before the first decision about the pool there are no reasons.
    ``now`` is in monotonic seconds.
    """
    sorry = server.sorry_server
    derivations = dict(judgement.derivations) if judgement else {}
    if sorry is not None and judgement is not None and judgement.sorry is not None:
        derivations[sorry.key] = judgement.sorry
    for real_server in server.all_servers:
        yield _real_server_status(
            real_server,
            _in_table(server, real_server, wanted, actual),
            _check_status(real_server, targets, now),
            derivations.get(real_server.key, ()),
            override=overrides.get(RealServerName(server.name, real_server.name)),
            now=now,
        )


class PoolSums:
    """Adds the connections and the traffic of the real servers of a pool.

    The real servers are added one at a time, so that the caller can pause between them.
    """

    def __init__(self) -> None:
        self.active_connections = 0
        self.inactive_connections = 0
        self.total = NO_TRAFFIC
        self.per_second = NO_TRAFFIC

    def add(self, status: RealServerStatus) -> None:
        """Add a real server."""
        self.active_connections += status.active_connections
        self.inactive_connections += status.inactive_connections
        self.total = _add(self.total, status.total)
        self.per_second = _add(self.per_second, status.per_second)


def virtual_server_status(
    server: VirtualServer,
    statuses: Sequence[RealServerStatus],
    sums: PoolSums,
    actual: TableCounters,
    judgement: Judgement | None,
) -> VirtualServerStatus:
    """Return the state of a virtual server.

    ``statuses`` are from ``real_server_statuses``, and ``sums`` has all of them.
    """
    return VirtualServerStatus(
        name=server.name,
        address=_format_services(server.keys),
        protocol="any" if server.keys[0].firewall_mark else server.keys[0].protocol,
        scheduler=server.service.scheduler,
        forwarding=server.forwarding,
        present=all(key in actual for key in server.keys),
        real_servers=tuple(statuses[: len(server.real_servers)]),
        quorum=_format_quorum(server, judgement) if judgement else "",
        held=_names(server, judgement.held if judgement else ()),
        sorry_server=statuses[-1] if server.sorry_server is not None else None,
        active_connections=sums.active_connections,
        inactive_connections=sums.inactive_connections,
        total=sums.total,
        per_second=sums.per_second,
        unseen=_names(server, judgement.unseen if judgement else ()),
        has_quorum=judgement.quorum if judgement else None,
        passing_weight=judgement.passing if judgement else 0,
        needed_weight=server.quorum,
        outgoing=_format_outgoing(judgement),
    )


def _names(server: VirtualServer, keys: Collection[DestinationKey]) -> tuple[str, ...]:
    """Return the names of the real servers with these keys, in the order of the configuration."""
    if not keys:
        return ()
    chosen = frozenset(keys)
    return tuple(each.name for each in server.real_servers if each.key in chosen)


def foreign_services(configuration: Configuration, actual: TableCounters) -> tuple[str, ...]:
    """Name the services in the table that are neither configured nor used by our own probes."""
    ours = {key for server in configuration.virtual_servers for key in server.keys}
    ours |= probe_services(configuration).keys()
    return tuple(str(key) for key in sorted(actual.keys() - ours))


def _format_services(keys: Sequence[ServiceKey]) -> str:
    """List the first services of a virtual server, and count the others."""
    named = ", ".join(key.place for key in keys[:SERVICES_MAX])
    return named if len(keys) <= SERVICES_MAX else f"{named} and {len(keys) - SERVICES_MAX} more"


class _InTable(NamedTuple):
    """A real server in the tables, over all services of its virtual server."""

    wanted_weight: int | None
    actual_weight: int | None
    counters: list[Counters]


def _in_table(
    server: VirtualServer, real_server: RealServer, wanted: Table, actual: TableCounters
) -> _InTable:
    keys = [(service, real_server.destination_key(service)) for service in server.keys]
    entry, destination_key = wanted.get(server.keys[0]), keys[0][1]
    destination = entry.destinations.get(destination_key) if entry else None
    wanted_weight = destination.weight if destination else None
    counters = [actual.get(service, {}).get(key) for service, key in keys]
    weights = [counter.weight if counter else None for counter in counters]
    # If the services differ, a weight that is not as wanted is the one to show.
    actual_weight = next((weight for weight in weights if weight != wanted_weight), wanted_weight)
    return _InTable(wanted_weight, actual_weight, [counter for counter in counters if counter])


class _CheckStatus(NamedTuple):
    """The verdict on a real server with its age, and the outcome of its latest probe."""

    verdict: Verdict
    reason: str
    verdict_age: float | None = None
    certificate_expires_at: float | None = None


def _check_status(real_server: RealServer, targets: Targets, now: float) -> _CheckStatus:
    if real_server.check is None:
        return _CheckStatus(Verdict.PASSING, "not checked")
    target = targets.get(real_server.check.identity, UNKNOWN_TARGET)
    result = target.result
    return _CheckStatus(
        target.verdict,
        result.summary if result else "no probe has ended yet",
        None if target.since is None else max(0.0, now - target.since),
        result.certificate_expires_at if result else None,
    )


def _real_server_status(
    real_server: RealServer,
    in_table: _InTable,
    check: _CheckStatus,
    derivation: Derivation,
    *,
    override: Override | None,
    now: float,
) -> RealServerStatus:
    return RealServerStatus(
        address=real_server.name,
        configured_weight=real_server.weight,
        wanted_weight=in_table.wanted_weight,
        actual_weight=in_table.actual_weight,
        active_connections=sum(counters.active for counters in in_table.counters),
        inactive_connections=sum(counters.inactive for counters in in_table.counters),
        total=_sum(counters.total for counters in in_table.counters),
        per_second=_sum(counters.per_second for counters in in_table.counters),
        verdict=check.verdict,
        reason=check.reason,
        verdict_age=check.verdict_age,
        certificate_expires_at=check.certificate_expires_at,
        weight_reason="; ".join(
            step.reason for step in derivation if step.reason not in _SHOWN_BY_CHECK
        ),
        override=override.action if override else None,
        override_expires_in=(
            override.expires_at - now if override and override.expires_at is not None else None
        ),
        forwarding=real_server.forwarding or "",
        absent=real_server.absent,
    )


def _sum(traffic: Iterable[Traffic]) -> Traffic:
    return reduce(_add, traffic, NO_TRAFFIC)


def _add(one: Traffic, other: Traffic) -> Traffic:
    if other is NO_TRAFFIC:
        return one
    return Traffic(
        one.connections + other.connections,
        one.packets_in + other.packets_in,
        one.packets_out + other.packets_out,
        one.bytes_in + other.bytes_in,
        one.bytes_out + other.bytes_out,
    )


_SHOWN_BY_CHECK = {"configured", "not checked", *Verdict}
"""Reasons for a weight that the status of the check already shows."""


def _format_outgoing(judgement: Judgement | None) -> tuple[str, ...]:
    if judgement is None or judgement.hold.outgoing is None:
        return ()
    return tuple(map(str, judgement.hold.outgoing.serving_keys))


def _format_quorum(server: VirtualServer, judgement: Judgement) -> str:
    if judgement.quorum is False:
        return f"quorum lost: {judgement.passing} passing, {server.quorum} needed"
    if server.quorum == 1 or judgement.quorum is None:
        return ""
    return f"quorum {server.quorum}: {judgement.passing} passing"
