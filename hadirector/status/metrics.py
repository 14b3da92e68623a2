"""Converts a status to Prometheus metrics. Pure.

Names and units follow the Prometheus guide "Metric and label naming". docs/metrics.md describes
every metric.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Final

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from checks.definition.result import Verdict
from checks.scheduling.lateness import ProbeLateness
from hadirector.dataplane.dataplane import Traffic
from hadirector.status.report import RealServerStatus, Status, VirtualServerStatus
from vrrp.model.lateness import LatenessHistogram
from vrrp.model.report import InstanceStatus, State

DROPPED: Final = "dropped_"
Sample = tuple[Sequence[str], float]
"""The values of the labels, and the value of the sample."""


def families(status: Status) -> Iterator[Metric]:
    """Yield all metrics of a status. An unknown value has no sample."""
    yield from _director_metrics(status)
    yield from _check_metrics(status)
    yield from _dataplane_metrics(status)
    yield from _virtual_server_metrics(status.virtual_servers)
    yield from _real_server_metrics(status.virtual_servers)
    yield from _traffic_metrics(status.virtual_servers)
    yield from _instance_metrics(status.instances)
    yield from _advertisement_metrics(status.instances)


def _director_metrics(status: Status) -> Iterator[Metric]:
    processes = status.processes
    yield _gauge(
        "build_info",
        "Version, name and dataplane of the director. Always 1.",
        ("version", "director", "dataplane"),
        [((status.version, status.name, status.dataplane), 1)],
    )
    yield _gauge(
        "process_up",
        "Whether the child process is running.",
        ("process",),
        (((process.name,), process.pid is not None) for process in processes),
    )
    yield _counter(
        "process_restarts",
        "Restarts of the child process after it ended unexpectedly.",
        ("process",),
        (((process.name,), process.restarts) for process in processes),
    )


def _check_metrics(status: Status) -> Iterator[Metric]:
    yield _counter("probes", "Total number of probes.", (), [((), status.probes)])
    yield _counter(
        "probes_delayed",
        "Total number of probes that this host delayed.",
        (),
        [((), status.delayed_probes)],
    )
    yield _histogram(
        "probe_lateness_seconds",
        "Delay between the scheduled and the actual start of a probe.",
        (),
        [((), status.probe_lateness)],
    )
    yield _counter(
        "hints", "Total number of hints that caused an immediate probe.", (), [((), status.hints)]
    )
    yield _gauge(
        "idle_connections",
        "Number of open idle connections to targets.",
        (),
        [((), status.idle_connections)],
    )
    yield _gauge(
        "blind",
        "Whether the director is blind: it receives no answer from any target.",
        (),
        [((), status.blind)],
    )


def _dataplane_metrics(status: Status) -> Iterator[Metric]:
    host = status.host
    yield _counter(
        "table_repairs",
        "Operations that repaired a change of the IPVS table by another program.",
        (),
        [((), status.repaired)],
    )
    yield _gauge(
        "table_failing_operations",
        "Operations on the IPVS table that failed at their last attempt.",
        (),
        [((), len(status.failing))],
    )
    yield _gauge(
        "foreign_services",
        "Services in the IPVS table that hadirector did not create.",
        (),
        [((), len(status.foreign_services))],
    )
    yield _counter(
        "host_repairs",
        "Repairs of host settings that another program changed, such as sysctls.",
        (),
        [((), host.repaired)],
    )
    yield _gauge(
        "host_warnings", "Host settings that could not be applied.", (), [((), len(host.warnings))]
    )
    yield _gauge(
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
        return _gauge(f"virtual_server_{name}", documentation, ("virtual_server",), samples)

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
    yield _gauge(
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
        return _gauge(f"real_server_{name}", documentation, labels, samples)

    yield gauge("up", "Whether the check passes.", _up)
    yield gauge("configured_weight", "Configured weight.", lambda server: server.configured_weight)
    yield gauge(
        "wanted_weight", "Weight that the director wants.", lambda server: server.wanted_weight
    )
    yield gauge("weight", "Weight in the IPVS table.", lambda server: server.actual_weight)
    yield _gauge(
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
    yield _counter(
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
        return _counter(f"real_server_{name}", documentation, (*labels, "direction"), samples)

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


def _instance_metrics(instances: Sequence[InstanceStatus]) -> Iterator[Metric]:
    def gauge(name: str, documentation: str, value: Callable[[InstanceStatus], float]) -> Metric:
        samples = (((instance.instance,), value(instance)) for instance in instances)
        return _gauge(f"vrrp_{name}", documentation, ("vrrp_instance",), samples)

    yield _gauge(
        "vrrp_state",
        "1 for the current state of the instance, 0 for the other states.",
        ("vrrp_instance", "state"),
        (
            ((instance.instance, state), instance.state is state)
            for instance in instances
            for state in State
        ),
    )
    yield gauge("priority", "Current priority of the instance.", lambda instance: instance.priority)
    yield gauge(
        "fault",
        "1 while the instance is in FAULT and takes no part in elections.",
        lambda instance: instance.fault is not None,
    )
    yield gauge(
        "handing_over",
        "Whether the instance is handing over and waits for its peer.",
        lambda instance: instance.handing_over,
    )
    yield gauge(
        "yielding",
        "Whether an operator handed the instance over.",
        lambda instance: instance.yielding,
    )
    yield gauge(
        "alarms",
        "Number of active alarms about peer routers.",
        lambda instance: len(instance.alarms),
    )


def _advertisement_metrics(instances: Sequence[InstanceStatus]) -> Iterator[Metric]:
    def counter(name: str, documentation: str) -> Metric:
        samples = (((instance.instance,), instance.counters.get(name, 0)) for instance in instances)
        return _counter(f"vrrp_{name}", documentation, ("vrrp_instance",), samples)

    yield counter("advertisements_sent", "Advertisements sent.")
    yield counter("advertisements_received", "Advertisements received and accepted.")
    yield counter("transitions", "State changes of the instance.")
    yield _counter(
        "vrrp_advertisements_dropped",
        "Advertisements for the instance that were rejected, by reason.",
        ("vrrp_instance", "reason"),
        _drop_reasons(instances, lambda instance: instance.counters),
    )
    yield _counter(
        "vrrp_advertisements_undelivered",
        "VRRP packets on the interface that belong to no instance, by reason.",
        ("vrrp_instance", "reason"),
        _drop_reasons(instances, lambda instance: instance.undelivered),
    )
    yield _counter(
        "vrrp_incidents",
        "Other counters of the instance, by kind.",
        ("vrrp_instance", "kind"),
        (
            ((instance.instance, kind), count)
            for instance in instances
            for kind, count in instance.counters.items()
            if kind not in _COUNTED and not kind.startswith(DROPPED)
        ),
    )
    yield _histogram(
        "vrrp_advertisement_lateness_seconds",
        "Delay between the scheduled and the actual sending of an advertisement.",
        ("vrrp_instance",),
        (((instance.instance,), instance.advertisement_lateness) for instance in instances),
    )


_COUNTED: Final = {"advertisements_sent", "advertisements_received", "transitions"}
"""Counters of an instance that have their own metric."""


def _drop_reasons(
    instances: Sequence[InstanceStatus], counters: Callable[[InstanceStatus], Mapping[str, int]]
) -> Iterator[Sample]:
    for instance in instances:
        for kind, count in counters(instance).items():
            if kind.startswith(DROPPED):
                yield (instance.instance, kind.removeprefix(DROPPED)), count


def _real_servers(
    servers: Sequence[VirtualServerStatus],
) -> Iterator[tuple[tuple[str, str], RealServerStatus]]:
    return (
        ((pool.name, server.address), server) for pool in servers for server in pool.real_servers
    )


def _up(server: RealServerStatus) -> float | None:
    return None if server.verdict is Verdict.UNKNOWN else server.verdict is Verdict.PASSING


def _sorry_server_serves(server: VirtualServerStatus) -> float | None:
    sorry = server.sorry_server
    return None if sorry is None else sorry.wanted_weight is not None


def _skip_unknown(samples: Iterable[tuple[Sequence[str], float | None]]) -> Iterator[Sample]:
    return ((labels, value) for labels, value in samples if value is not None)


def _gauge(
    name: str, documentation: str, labels: Sequence[str], samples: Iterable[Sample]
) -> Metric:
    family = GaugeMetricFamily(f"hadirector_{name}", documentation, labels=labels)
    for values, number in samples:
        family.add_metric(values, number)
    return family


def _counter(
    name: str, documentation: str, labels: Sequence[str], samples: Iterable[Sample]
) -> Metric:
    """Return a counter. Its name gets the suffix ``_total``."""
    family = CounterMetricFamily(f"hadirector_{name}", documentation, labels=labels)
    for values, number in samples:
        family.add_metric(values, number)
    return family


def _histogram(
    name: str,
    documentation: str,
    labels: Sequence[str],
    samples: Iterable[tuple[Sequence[str], ProbeLateness | LatenessHistogram]],
) -> Metric:
    family = HistogramMetricFamily(f"hadirector_{name}", documentation, labels=labels)
    for values, late in samples:
        family.add_metric(values, _buckets(late.bounds, late.counts), late.total)
    return family


def _buckets(bounds: Sequence[float], counts: Sequence[int]) -> list[tuple[str, float]]:
    """Return the cumulative counts that Prometheus expects; the last bucket counts everything."""
    names = [*map(repr, bounds), "+Inf"]
    return list(zip(names, accumulate(counts), strict=True))
