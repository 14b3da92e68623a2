"""Converts the status of VRRP instances to Prometheus metrics. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from prometheus_client.core import Metric

from hadirector.status.families import Sample, counter_family, gauge_family, histogram_family
from vrrp.model.report import InstanceStatus, State

DROPPED: Final = "dropped_"


def vrrp_families(instances: Sequence[InstanceStatus]) -> Iterator[Metric]:
    """Yield all metrics of VRRP instances."""
    yield from _instance_metrics(instances)
    yield from _advertisement_metrics(instances)


def _instance_metrics(instances: Sequence[InstanceStatus]) -> Iterator[Metric]:
    def gauge(name: str, documentation: str, value: Callable[[InstanceStatus], float]) -> Metric:
        samples = (((instance.instance,), value(instance)) for instance in instances)
        return gauge_family(f"vrrp_{name}", documentation, ("vrrp_instance",), samples)

    yield gauge_family(
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
    yield gauge_family(
        "vrrp_configured_priority",
        "Configured priority of the instance.",
        ("vrrp_instance",),
        (
            ((instance.instance,), instance.configured_priority)
            for instance in instances
            if instance.configured_priority is not None
        ),
    )
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
        return counter_family(f"vrrp_{name}", documentation, ("vrrp_instance",), samples)

    yield counter("advertisements_sent", "Advertisements sent.")
    yield counter("advertisements_received", "Advertisements received and accepted.")
    yield counter("transitions", "State changes of the instance.")
    yield counter_family(
        "vrrp_advertisements_dropped",
        "Advertisements for the instance that were rejected, by reason.",
        ("vrrp_instance", "reason"),
        _drop_reasons(instances, lambda instance: instance.counters),
    )
    yield counter_family(
        "vrrp_advertisements_undelivered",
        "VRRP packets on the interface that belong to no instance, by reason.",
        ("vrrp_instance", "reason"),
        _drop_reasons(instances, lambda instance: instance.undelivered),
    )
    yield counter_family(
        "vrrp_incidents",
        "Events of the instance that have no metric of their own, by kind.",
        ("vrrp_instance", "kind"),
        (
            ((instance.instance, kind), count)
            for instance in instances
            for kind, count in instance.counters.items()
            if kind not in _COUNTED and not kind.startswith(DROPPED)
        ),
    )
    yield histogram_family(
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
