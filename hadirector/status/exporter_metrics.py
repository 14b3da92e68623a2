"""Converts a status to the metrics of keepalived-exporter, so that its dashboards work. Pure.

A metric has the name, the labels and the value that github.com/mehdy/keepalived-exporter gives it.
If hadirector has no value of an equal meaning, the metric is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from hadirector.status.report import Status
from vrrp.model.report import InstanceStatus, State

VRRP_PROCESS: Final = "vrrp"
_LABELS: Final = ("iname", "intf", "vrid")
_STATES: Final = {State.INITIALIZE: 0, State.BACKUP: 1, State.ACTIVE: 2}
_FAULT: Final = 3
_COUNTERS: Final = (
    ("advertisements_received", "Advertisements received.", "advertisements_received"),
    ("advertisements_sent", "Advertisements sent.", "advertisements_sent"),
    ("advertisements_interval_errors", "Another interval.", "dropped_advert_interval"),
    ("ip_ttl_errors", "A TTL that is not 255.", "dropped_ttl"),
    ("address_list_errors", "Other virtual addresses.", "dropped_address_list"),
    ("authentication_mismatch", "Another authentication type.", "dropped_auth_type"),
    ("authentication_failure", "Another password.", "dropped_auth_password"),
)
"""The name of keepalived-exporter, the documentation, and the counter of an instance."""


def exporter_families(status: Status) -> Iterator[Metric]:
    """Yield the metrics of keepalived-exporter that have an equal meaning here."""
    vrrp_runs = any(
        process.name == VRRP_PROCESS and process.pid is not None for process in status.processes
    )
    yield GaugeMetricFamily("keepalived_up", "Whether the vrrp process runs.", value=vrrp_runs)
    yield _state_metric(status.instances)
    for name, documentation, counter in _COUNTERS:
        family = CounterMetricFamily(f"keepalived_{name}", documentation, labels=_LABELS)
        for instance in status.instances:
            family.add_metric(_place(instance), instance.counters.get(counter, 0))
        yield family


def _state_metric(instances: Sequence[InstanceStatus]) -> Metric:
    """Return the state of each instance for each of its addresses."""
    family = GaugeMetricFamily(
        "keepalived_vrrp_state",
        "State of the instance: 0 INIT, 1 BACKUP, 2 MASTER, 3 FAULT.",
        labels=(*_LABELS, "ip_address"),
    )
    for instance in instances:
        failed = instance.fault is not None and not instance.held_out
        state = _FAULT if failed else _STATES[instance.state]
        for address in instance.virtual_addresses or ("",):
            family.add_metric((*_place(instance), _without_host_prefix(address)), state)
    return family


def _without_host_prefix(address: str) -> str:
    """Return an address in the notation of keepalived 2.1 and later: without /32 or /128."""
    return address.removesuffix("/128" if ":" in address else "/32")


def _place(instance: InstanceStatus) -> tuple[str, str, str]:
    return instance.instance, instance.interface, str(instance.virtual_router_id)
