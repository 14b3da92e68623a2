"""Converts a status to Prometheus metrics. Pure.

Names and units follow the Prometheus guide "Metric and label naming". docs/metrics.md describes
every metric.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Final, Literal

from prometheus_client.core import Metric

from checks.definition.result import Verdict
from hadirector.dataplane.dataplane import Traffic
from hadirector.status.alert_metrics import alert_families
from hadirector.status.announcement_metrics import announcement_families
from hadirector.status.exporter_metrics import exporter_families
from hadirector.status.families import Sample, counter_family, gauge_family, histogram_family
from hadirector.status.pair_metrics import pair_families, suspicion_families
from hadirector.status.problems import judge_director
from hadirector.status.report import RealServerStatus, Status, VirtualServerStatus
from hadirector.status.source_metrics import source_families
from hadirector.status.verdict import DirectorVerdict, Level
from hadirector.status.vrrp_metrics import vrrp_families

Scope = Literal["director", "vrrp", "virtual_servers", "real_servers", "keepalived_exporter"]
SCOPES: Final[tuple[Scope, ...]] = ("director", "vrrp", "virtual_servers", "real_servers")
"""The parts of the metrics. A scrape can leave parts out."""
EXTRA_SCOPES: Final[tuple[Scope, ...]] = ("keepalived_exporter",)
"""Parts that a response has only if the scrape names them."""


def families(status: Status, scopes: Collection[Scope] = SCOPES) -> Iterator[Metric]:
    """Yield the metrics of a status in these scopes. An unknown value has no sample."""
    if "director" in scopes:
        yield from _director_metrics(status)
        yield from _verdict_metrics(status.verdict or judge_director(status))
        yield from _readiness_metrics(status)
        yield from _order_metrics(status)
        yield from _check_metrics(status)
        yield from _dataplane_metrics(status)
        yield from alert_families(status.alert_receivers)
        yield from announcement_families(status.announcements, status.table_digest)
        if status.pair is not None:
            yield from pair_families(status.pair)
            yield from suspicion_families(status.suspicions)
        yield from source_families(status.sources)
    if "virtual_servers" in scopes:
        yield from _virtual_server_metrics(status.virtual_servers)
    if "real_servers" in scopes:
        yield from _real_server_metrics(status.virtual_servers)
        yield from _traffic_metrics(status.virtual_servers)
    if "vrrp" in scopes:
        yield from vrrp_families(status.instances)
    if "keepalived_exporter" in scopes:
        yield from exporter_families(status)


def _director_metrics(status: Status) -> Iterator[Metric]:
    processes = status.processes
    yield gauge_family(
        "build_info",
        "Version, name and dataplane of the director. Always 1.",
        ("version", "director", "dataplane"),
        [((status.version, status.name, status.dataplane), 1)],
    )
    yield gauge_family(
        "process_up",
        "Whether the child process is running.",
        ("process",),
        (((process.name,), process.pid is not None) for process in processes),
    )
    yield counter_family(
        "process_restarts",
        "Restarts of the child process after it ended unexpectedly.",
        ("process",),
        (((process.name,), process.restarts) for process in processes),
    )


def _readiness_metrics(status: Status) -> Iterator[Metric]:
    """Yield the readiness of a director of a pair."""
    readiness = status.pair_readiness
    yield gauge_family(
        "ready",
        "Whether nothing makes this director of a pair unready. It has no sample without a pair.",
        (),
        [] if readiness is None else [((), readiness.ready)],
    )
    yield gauge_family(
        "priority_lowered",
        "Whether the priorities are lowered because the director was unready.",
        (),
        [((), readiness is not None and readiness.priority_lowered)],
    )


def _verdict_metrics(verdict: DirectorVerdict) -> Iterator[Metric]:
    yield gauge_family(
        "verdict",
        "1 for the current verdict on the director, 0 for the other levels.",
        ("level",),
        (((level.value,), level is verdict.level) for level in Level),
    )
    counts = Counter((problem.level.value, problem.code) for problem in verdict.problems)
    yield gauge_family(
        "problems",
        "Problems of the director, by level and code.",
        ("level", "code"),
        counts.items(),
    )


def _order_metrics(status: Status) -> Iterator[Metric]:
    """Yield the metrics of the temporary orders of operators."""
    pause = status.pause
    yield gauge_family(
        "paused",
        "Whether an operator has paused the decisions about weights, or about roles (elections).",
        ("scope",),
        [
            (("verdicts",), pause is not None),
            (("elections",), pause is not None and pause.elections),
        ],
    )
    yield gauge_family(
        "pause_remaining_seconds",
        "Time until the pause ends, 0 without a pause.",
        (),
        [((), 0.0 if pause is None else pause.remaining)],
    )
    yield gauge_family(
        "configuration_pending",
        "Whether an applied configuration waits for its confirmation.",
        (),
        [((), status.pending_configuration is not None)],
    )


def _check_metrics(status: Status) -> Iterator[Metric]:
    yield counter_family("probes", "Total number of probes.", (), [((), status.probes)])
    yield counter_family(
        "probes_delayed",
        "Total number of probes that this host delayed.",
        (),
        [((), status.delayed_probes)],
    )
    yield counter_family(
        "probe_results_discarded",
        "Total number of results that were discarded because of a delay of this host.",
        ("reason",),
        (((reason.value,), count) for reason, count in status.discarded_results.items()),
    )
    yield counter_family(
        "checks_unattended_seconds",
        "Total time for which the checks workers did not attend to their probes.",
        (),
        [((), status.unattended_seconds)],
    )
    yield histogram_family(
        "probe_lateness_seconds",
        "Delay between the scheduled and the actual start of a probe.",
        (),
        [((), status.probe_lateness)],
    )
    yield counter_family(
        "hints", "Total number of hints that caused an immediate probe.", (), [((), status.hints)]
    )
    yield gauge_family(
        "idle_connections",
        "Number of open idle connections to targets.",
        (),
        [((), status.idle_connections)],
    )
    yield gauge_family(
        "blind",
        "Whether the director is blind: it receives no answer from any target.",
        (),
        [((), status.blind)],
    )
    yield gauge_family(
        "fit",
        "Whether the director is fit to serve.",
        (),
        [((), not status.unfit)],
    )
    yield gauge_family(
        "warnings",
        "Faults that need an operator and do not change what the director serves.",
        (),
        [((), len(status.warnings))],
    )


def _dataplane_metrics(status: Status) -> Iterator[Metric]:
    host = status.host
    yield counter_family(
        "table_repairs",
        "Operations that repaired a change of the IPVS table by another program.",
        (),
        [((), status.repaired)],
    )
    yield gauge_family(
        "table_failing_operations",
        "Operations on the IPVS table that failed at their last attempt.",
        (),
        [((), len(status.failing))],
    )
    yield gauge_family(
        "foreign_services",
        "Services in the IPVS table that hadirector did not create.",
        (),
        [((), len(status.foreign_services))],
    )
    yield counter_family(
        "host_repairs",
        "Repairs of host settings that another program changed, such as sysctls.",
        (),
        [((), host.repaired)],
    )
    yield gauge_family(
        "host_warnings", "Host settings that could not be applied.", (), [((), len(host.warnings))]
    )
    yield gauge_family(
        "orphaned_overrides",
        "Overrides of real servers that are not configured.",
        (),
        [((), len(status.orphaned_overrides))],
    )


def _virtual_server_metrics(servers: Sequence[VirtualServerStatus]) -> Iterator[Metric]:
    def gauge(
        name: str, documentation: str, value: Callable[[VirtualServerStatus], float | None]
    ) -> Metric:
        samples = _skip_unknown(((server.name,), value(server)) for server in servers)
        return gauge_family(f"virtual_server_{name}", documentation, ("virtual_server",), samples)

    yield gauge("present", "Whether the dataplane has the services.", lambda server: server.present)
    yield gauge("has_quorum", "Whether the pool has its quorum.", lambda server: server.has_quorum)
    yield gauge(
        "passing_weight",
        "Total weight of the passing real servers.",
        lambda server: server.passing_weight,
    )
    yield gauge(
        "quorum_weight", "Total weight required for quorum.", lambda server: server.needed_weight
    )
    yield gauge(
        "sorry_server_serves",
        "Whether the sorry server serves instead of the pool.",
        _sorry_server_serves,
    )
    yield gauge_family(
        "virtual_server_held_real_servers",
        "Failing real servers that are held in the pool, by cause.",
        ("virtual_server", "cause"),
        (
            ((server.name, cause), count)
            for server in servers
            for cause, count in (
                ("min_healthy", len(server.held) - len(server.unseen)),
                ("blindness", len(server.unseen)),
            )
        ),
    )


def _real_server_metrics(servers: Sequence[VirtualServerStatus]) -> Iterator[Metric]:
    def gauge(
        name: str, documentation: str, value: Callable[[RealServerStatus], float | None]
    ) -> Metric:
        labels = ("virtual_server", "real_server")
        samples = _skip_unknown((place, value(server)) for place, server in _real_servers(servers))
        return gauge_family(f"real_server_{name}", documentation, labels, samples)

    yield gauge("up", "Whether the check passes.", _up)
    yield gauge("configured_weight", "Configured weight.", lambda server: server.configured_weight)
    yield gauge(
        "wanted_weight", "Weight that the director wants.", lambda server: server.wanted_weight
    )
    yield gauge("weight", "Weight in the IPVS table.", lambda server: server.actual_weight)
    yield gauge(
        "certificate_expiry_timestamp_seconds",
        "When the verified certificate of the real server expires, in seconds since the epoch.",
        lambda server: server.certificate_expires_at,
    )
    yield gauge_family(
        "real_server_override",
        "Override of the real server, by action. Always 1.",
        ("virtual_server", "real_server", "action"),
        (
            ((*at, server.override), 1)
            for at, server in _real_servers(servers)
            if server.override is not None
        ),
    )
    yield gauge(
        "active_connections",
        "Active connections to the real server.",
        lambda server: server.active_connections,
    )
    yield gauge(
        "inactive_connections",
        "Inactive connections to the real server.",
        lambda server: server.inactive_connections,
    )


def _traffic_metrics(servers: Sequence[VirtualServerStatus]) -> Iterator[Metric]:
    labels = ("virtual_server", "real_server")
    yield counter_family(
        "real_server_connections",
        "Connections since the real server was added to the IPVS table.",
        labels,
        ((place, server.total.connections) for place, server in _real_servers(servers)),
    )

    def both_ways(
        name: str, documentation: str, value: Callable[[Traffic], tuple[int, int]]
    ) -> Metric:
        samples = (
            ((*place, direction), number)
            for place, server in _real_servers(servers)
            for direction, number in zip(("in", "out"), value(server.total), strict=True)
        )
        return counter_family(f"real_server_{name}", documentation, (*labels, "direction"), samples)

    yield both_ways(
        "packets",
        "Packets to the real server (in) and back from it (out).",
        lambda traffic: (traffic.packets_in, traffic.packets_out),
    )
    yield both_ways(
        "bytes",
        "Bytes to the real server (in) and back from it (out).",
        lambda traffic: (traffic.bytes_in, traffic.bytes_out),
    )


def _real_servers(
    servers: Sequence[VirtualServerStatus],
) -> Iterator[tuple[tuple[str, str], RealServerStatus]]:
    return (
        ((pool.name, server.address), server) for pool in servers for server in pool.real_servers
    )


def _up(server: RealServerStatus) -> float | None:
    if server.absent or server.verdict is Verdict.UNKNOWN:
        return None
    return server.verdict is Verdict.PASSING


def _sorry_server_serves(server: VirtualServerStatus) -> float | None:
    sorry = server.sorry_server
    return None if sorry is None else sorry.wanted_weight is not None


def _skip_unknown(samples: Iterable[tuple[Sequence[str], float | None]]) -> Iterator[Sample]:
    return ((labels, value) for labels, value in samples if value is not None)
