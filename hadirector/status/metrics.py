"""What a director says of itself, as Prometheus metrics.

Pure: a status in, metric families out, so that nothing is counted twice. Names and units follow
Prometheus ("Metric and label naming"). docs/metrics.md describes each.
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
"""The values of the labels, and the number."""


def families(status: Status) -> Iterator[Metric]:
    """Describe a director at one moment. What is not known has no sample."""
    yield from _of_director(status)
    yield from _of_checks(status)
    yield from _of_dataplane(status)
    yield from _of_virtual_servers(status.virtual_servers)
    yield from _of_real_servers(status.virtual_servers)
    yield from _of_traffic(status.virtual_servers)
    yield from _of_instances(status.instances)
    yield from _of_advertisements(status.instances)


def _of_director(status: Status) -> Iterator[Metric]:
    processes = status.processes
    yield _gauge(
        "build_info",
        "The version that runs; always 1.",
        ("version", "director", "dataplane"),
        [((status.version, status.name, status.dataplane), 1)],
    )
    yield _gauge(
        "process_up",
        "Whether a child process runs.",
        ("process",),
        (((each.name,), each.pid is not None) for each in processes),
    )
    yield _counter(
        "process_restarts",
        "How often a child process was started again after it had ended by itself.",
        ("process",),
        (((each.name,), each.restarts) for each in processes),
    )


def _of_checks(status: Status) -> Iterator[Metric]:
    yield _counter("probes", "Probes that were made.", (), [((), status.probes)])
    yield _counter(
        "probes_delayed", "Probes that this host kept waiting.", (), [((), status.delayed_probes)]
    )
    yield _histogram(
        "probe_lateness_seconds",
        "How long after its time a probe began.",
        (),
        [((), status.probe_lateness)],
    )
    yield _counter("hints", "Hints that caused a probe at once.", (), [((), status.hints)])
    yield _gauge(
        "idle_connections", "Idle connections to targets.", (), [((), status.idle_connections)]
    )
    yield _gauge(
        "blind",
        "Whether this director sees none of its backends, by its own fault.",
        (),
        [((), status.blind)],
    )


def _of_dataplane(status: Status) -> Iterator[Metric]:
    host = status.host
    yield _counter(
        "table_repairs",
        "Operations that undid what somebody else had done to the table.",
        (),
        [((), status.repaired)],
    )
    yield _gauge(
        "table_failing_operations",
        "Operations on the table that did not take when they were last tried.",
        (),
        [((), len(status.failing))],
    )
    yield _gauge(
        "foreign_services",
        "Services in the table that are not ours.",
        (),
        [((), len(status.foreign_services))],
    )
    yield _counter(
        "host_repairs",
        "What somebody else had changed of sysctls and their like, and was put right.",
        (),
        [((), host.repaired)],
    )
    yield _gauge("host_warnings", "What cannot be kept.", (), [((), len(host.warnings))])
    yield _gauge(
        "orphaned_overrides",
        "Orders for real servers that are not configured.",
        (),
        [((), len(status.orphaned_overrides))],
    )


def _of_virtual_servers(servers: Sequence[VirtualServerStatus]) -> Iterator[Metric]:
    def gauge(
        name: str, documentation: str, value: Callable[[VirtualServerStatus], float | None]
    ) -> Metric:
        samples = _known(((each.name,), value(each)) for each in servers)
        return _gauge(f"virtual_server_{name}", documentation, ("virtual_server",), samples)

    yield gauge("present", "Whether the dataplane has it.", lambda each: each.present)
    yield gauge("has_quorum", "Whether the pool has its quorum.", lambda each: each.has_quorum)
    yield gauge("passing_weight", "The weight of what passes.", lambda each: each.passing_weight)
    yield gauge("quorum_weight", "The weight that is the quorum.", lambda each: each.needed_weight)
    yield gauge(
        "sorry_server_serves",
        "Whether the sorry server stands in for the pool.",
        _sorry_server_serves,
    )
    yield _gauge(
        "virtual_server_held_real_servers",
        "Failing real servers that would have been removed, by what keeps them.",
        ("virtual_server", "cause"),
        (
            ((each.name, cause), count)
            for each in servers
            for cause, count in (
                ("min_healthy", len(each.held) - len(each.unseen)),
                ("blindness", len(each.unseen)),
            )
        ),
    )


def _of_real_servers(servers: Sequence[VirtualServerStatus]) -> Iterator[Metric]:
    def gauge(
        name: str, documentation: str, value: Callable[[RealServerStatus], float | None]
    ) -> Metric:
        labels = ("virtual_server", "real_server")
        samples = _known((place, value(each)) for place, each in _real_servers(servers))
        return _gauge(f"real_server_{name}", documentation, labels, samples)

    yield gauge("up", "Whether its check passes.", _up)
    yield gauge("configured_weight", "The configured weight.", lambda each: each.configured_weight)
    yield gauge("wanted_weight", "The weight decided on.", lambda each: each.wanted_weight)
    yield gauge("weight", "The weight in the table.", lambda each: each.actual_weight)
    yield _gauge(
        "real_server_override",
        "What an operator has ordered: drain, disable or weight; always 1.",
        ("virtual_server", "real_server", "action"),
        (
            ((*at, each.override), 1)
            for at, each in _real_servers(servers)
            if each.override is not None
        ),
    )
    yield gauge("active_connections", "Active connections.", lambda each: each.active_connections)
    yield gauge(
        "inactive_connections", "Inactive connections.", lambda each: each.inactive_connections
    )


def _of_traffic(servers: Sequence[VirtualServerStatus]) -> Iterator[Metric]:
    labels = ("virtual_server", "real_server")
    yield _counter(
        "real_server_connections",
        "Connections since it was added to the table.",
        labels,
        ((place, each.total.connections) for place, each in _real_servers(servers)),
    )

    def both_ways(
        name: str, documentation: str, value: Callable[[Traffic], tuple[int, int]]
    ) -> Metric:
        samples = (
            ((*place, direction), number)
            for place, each in _real_servers(servers)
            for direction, number in zip(("in", "out"), value(each.total), strict=True)
        )
        return _counter(f"real_server_{name}", documentation, (*labels, "direction"), samples)

    yield both_ways(
        "packets", "Packets to it and back.", lambda each: (each.packets_in, each.packets_out)
    )
    yield both_ways("bytes", "Bytes to it and back.", lambda each: (each.bytes_in, each.bytes_out))


def _of_instances(instances: Sequence[InstanceStatus]) -> Iterator[Metric]:
    def gauge(name: str, documentation: str, value: Callable[[InstanceStatus], float]) -> Metric:
        samples = (((each.instance,), value(each)) for each in instances)
        return _gauge(f"vrrp_{name}", documentation, ("vrrp_instance",), samples)

    yield _gauge(
        "vrrp_state",
        "1 for the state that the instance is in.",
        ("vrrp_instance", "state"),
        (((each.instance, one), each.state is one) for each in instances for one in State),
    )
    yield gauge("priority", "The priority in force.", lambda each: each.priority)
    yield gauge(
        "fault",
        "1 while the instance is in FAULT and takes no part in elections.",
        lambda each: each.fault is not None,
    )
    yield gauge("handing_over", "Whether it waits for its successor.", lambda e: e.handing_over)
    yield gauge("yielding", "Whether an operator handed it over.", lambda each: each.yielding)
    yield gauge("alarms", "What is wrong with other routers.", lambda each: len(each.alarms))


def _of_advertisements(instances: Sequence[InstanceStatus]) -> Iterator[Metric]:
    def counter(name: str, documentation: str) -> Metric:
        samples = (((each.instance,), each.counters.get(name, 0)) for each in instances)
        return _counter(f"vrrp_{name}", documentation, ("vrrp_instance",), samples)

    yield counter("advertisements_sent", "Advertisements sent.")
    yield counter("advertisements_received", "Advertisements received and believed.")
    yield counter("transitions", "Changes of state.")
    yield _counter(
        "vrrp_advertisements_dropped",
        "Advertisements for the instance that were not believed, by reason.",
        ("vrrp_instance", "reason"),
        _dropped(instances, lambda each: each.counters),
    )
    yield _counter(
        "vrrp_advertisements_undelivered",
        "What its interface received for no instance of this family, by reason.",
        ("vrrp_instance", "reason"),
        _dropped(instances, lambda each: each.undelivered),
    )
    yield _counter(
        "vrrp_incidents",
        "Whatever else the instance counts, by kind.",
        ("vrrp_instance", "kind"),
        (
            ((each.instance, kind), count)
            for each in instances
            for kind, count in each.counters.items()
            if kind not in _COUNTED and not kind.startswith(DROPPED)
        ),
    )
    yield _histogram(
        "vrrp_advertisement_lateness_seconds",
        "How long after its time an advertisement was sent.",
        ("vrrp_instance",),
        (((each.instance,), each.advertisement_lateness) for each in instances),
    )


_COUNTED: Final = {"advertisements_sent", "advertisements_received", "transitions"}
"""Counters of an instance that have a metric of their own."""


def _dropped(
    instances: Sequence[InstanceStatus], counters: Callable[[InstanceStatus], Mapping[str, int]]
) -> Iterator[Sample]:
    for each in instances:
        for kind, count in counters(each).items():
            if kind.startswith(DROPPED):
                yield (each.instance, kind.removeprefix(DROPPED)), count


def _real_servers(
    servers: Sequence[VirtualServerStatus],
) -> Iterator[tuple[tuple[str, str], RealServerStatus]]:
    return (((one.name, each.address), each) for one in servers for each in one.real_servers)


def _up(server: RealServerStatus) -> float | None:
    return None if server.verdict is Verdict.UNKNOWN else server.verdict is Verdict.PASSING


def _sorry_server_serves(server: VirtualServerStatus) -> float | None:
    sorry = server.sorry_server
    return None if sorry is None else sorry.wanted_weight is not None


def _known(samples: Iterable[tuple[Sequence[str], float | None]]) -> Iterator[Sample]:
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
    """A counter since the start of what counts; its name gets ``_total`` at the end."""
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
    """Add the counts up, as Prometheus has them; the last bucket takes everything."""
    names = [*map(repr, bounds), "+Inf"]
    return list(zip(names, accumulate(counts), strict=True))
