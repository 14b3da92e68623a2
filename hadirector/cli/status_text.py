"""Render the status of a director as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from checks.definition.result import Verdict
from hadirector.cli.announcement_text import render_announcements
from hadirector.cli.terminal import Paint, Row, short_duration, table
from hadirector.dataplane.dataplane import Traffic
from hadirector.host.status import HostStatus
from hadirector.host.sysctl.rules import SysctlStatus
from hadirector.status.report import ProcessStatus, RealServerStatus, Status, VirtualServerStatus
from vrrp.model.report import InstanceStatus

ATTENTION_MAX: Final = 20
"""Real servers of one virtual server that a summary lists."""
INDENT: Final = "  "
DROPPED: Final = "dropped_"
USUAL_DOWN_TIMER_ADVERTS: Final = 3
"""RFC 9568 6.1."""

_STYLES: Final = {"ACTIVE": "bold green", "passing": "green", "failing": "red", "unknown": "yellow"}
_INSTANCE_HEADINGS: Final = (
    "VRRP instance",
    "state",
    "since",
    "priority",
    "VRID",
    "interface",
    "addresses",
    "active",
)
_STATE_COLUMN: Final = 1
_REAL_SERVER_HEADINGS: Final = (
    "virtual server",
    "weight",
    "in table",
    "connections",
    "new/s",
    "bytes/s",
    "bytes",
    "check",
    "since",
    "reason",
)
_CHECK_COLUMN: Final = 7


def render_status(status: Status, paint: Paint, *, every_real_server: bool) -> Iterator[str]:
    """Render the status as lines.

    Without ``every_real_server``, at most 20 real servers of each virtual server are listed,
    and only real servers that need attention.
    """
    yield f"{paint(status.name, 'bold')}  hadirector {status.version}, {status.dataplane}"
    if status.observing:
        yield paint("observes: another program is in charge, and nothing is changed", "yellow")
    yield from _orders(status, paint)
    processes = [f"director {status.pid}"]
    processes += [_process(process, status.version) for process in status.processes]
    yield paint(f"processes: {', '.join(processes)}", "dim")
    if status.instances:
        yield ""
        yield from table([Row(_INSTANCE_HEADINGS), *map(_instance, status.instances)], paint)
        for instance in status.instances:
            yield from _instance_notes(instance, paint)
            yield from _advertising_routers(instance, paint)
    yield from render_announcements(status.announcements, paint)
    if status.virtual_servers:
        yield ""
        yield from _virtual_servers(status.virtual_servers, paint, every=every_real_server)
    yield from _host(status.host, paint)
    if status.blind:
        text = "blind: this director reaches none of its targets; failing real servers stay in use"
        yield paint(text, "bold red")
    for reason in status.unfit:
        yield paint(f"not fit to serve: {reason}", "bold red")
    yield from _warnings(status, paint)
    yield from (paint(override, "yellow") for override in status.orphaned_overrides)
    for service in status.foreign_services:
        yield paint(f"foreign service, not changed: {service}", "dim")
    for operation, error in status.failing.items():
        if status.observing:
            yield paint(f"difference: hadirector would {operation}", "yellow")
        else:
            yield paint(f"failing: {operation}: {error}", "red")


def _orders(status: Status, paint: Paint) -> Iterator[str]:
    """Render what an operator has ordered for a limited time."""
    if status.pause is not None:
        yield paint(f"{status.pause.description}; {status.pause.remaining:.0f} s left", "yellow")
    if status.pending_configuration is not None:
        yield paint(status.pending_configuration.description, "yellow")


def _warnings(status: Status, paint: Paint) -> Iterator[str]:
    yield from (paint(f"warning: {warning}", "yellow") for warning in status.warnings)
    if status.difference_count:
        text = (
            f"the file differs in effect from keepalived in {status.difference_count} notes, which"
            " hadirector check-config prints"
        )
        yield paint(text, "dim")
    if status.process_polling is not None:
        text = f"tracked processes are looked for once a second: {status.process_polling}"
        yield paint(text, "dim")


def _process(process: ProcessStatus, version: str) -> str:
    notes = [f"{process.restarts} restarts"] if process.restarts else []
    if process.pid is not None and process.version not in ("", version):
        notes.append(f"still version {process.version}")
    noted = f" ({', '.join(notes)})" if notes else ""
    return f"{process.name} {process.pid or 'not running'}{noted}"


def _instance(instance: InstanceStatus) -> Row:
    handing_over = " (handing over)" * instance.handing_over
    handed_over = " (handed over)" * instance.yielding
    cells = (
        instance.instance,
        f"{instance.state}{handing_over}{handed_over}",
        _age(instance.state_age),
        str(instance.priority),
        str(instance.virtual_router_id),
        instance.interface,
        " ".join(address.removesuffix("/32") for address in instance.virtual_addresses),
        "this director" if instance.state == "ACTIVE" else instance.active_router or "unknown",
    )
    return Row(cells, _STATE_COLUMN, _STYLES.get(instance.state, ""))


def _instance_notes(instance: InstanceStatus, paint: Paint) -> Iterator[str]:
    """Render alarms, the fault, a changed priority, unusual timers and dropped advertisements."""
    name = instance.instance
    for alarm in instance.alarms:
        yield paint(f"{name}: {alarm}", "bold red")
    if instance.fault is not None:
        yield paint(f"{name} takes no part in elections: {instance.fault}", "dim")
    if " " in instance.priority_arithmetic:
        yield paint(f"{name} has priority {instance.priority_arithmetic}", "dim")
    if instance.down_timer_adverts != USUAL_DOWN_TIMER_ADVERTS:
        intervals = f"{instance.down_timer_adverts} advertisement intervals"
        seconds = f"{instance.active_down_interval:.2f} s with the skew time"
        yield paint(f"{name} takes over after {intervals}: {seconds}", "dim")
    if dropped := _drop_counts(instance.counters):
        yield paint(f"{name} dropped advertisements: {dropped}", "dim")
    if undelivered := _drop_counts(instance.undelivered):
        interface = instance.interface
        text = f"{interface} received advertisements that belong to no instance: {undelivered}"
        yield paint(text, "dim")


def _advertising_routers(instance: InstanceStatus, paint: Paint) -> Iterator[str]:
    """Render the senders of advertisements while this host observes."""
    for router in instance.advertising_routers:
        addresses = " ".join(router.virtual_addresses)
        sender = f"{router.address} (this host)" if router.this_host else router.address
        dropped = f"; hadirector would drop this: {router.dropped}" if router.dropped else ""
        text = (
            f"{instance.instance}: {sender} advertised priority {router.priority}, version"
            f" {router.version}, every {router.advert_interval:g} s, {addresses},"
            f" {router.age:.1f} s ago{dropped}"
        )
        yield paint(text, "yellow" if router.dropped else "dim")


def _drop_counts(counters: Mapping[str, int]) -> str:
    """Render the counters of dropped advertisements by reason; empty without any drop."""
    counts = {
        name.removeprefix(DROPPED): count
        for name, count in counters.items()
        if name.startswith(DROPPED)
    }
    return ", ".join(f"{reason} {count}" for reason, count in sorted(counts.items()))


def _virtual_servers(
    servers: Sequence[VirtualServerStatus], paint: Paint, *, every: bool
) -> Iterator[str]:
    """Render a line for every virtual server, and below it a row for each real server to list."""
    lines: list[Row | str] = []
    for server in servers:
        listed = _members(server) if every else _attention(server)
        shown = listed if every else listed[:ATTENTION_MAX]
        lines.append(_virtual_server(server, _passing_count(server), paint))
        if server.held:
            text = f"{INDENT}failing, but held in the pool: {_names(server.held, every=every)}"
            lines.append(paint(text, "red"))
        if server.outgoing:
            names = _names(server.outgoing, every=every)
            text = (
                f"{INDENT}not configured, but serving until enough new real servers pass: {names}"
            )
            lines.append(paint(text, "yellow"))
        lines.extend(map(_real_server, shown))
        if len(shown) < len(listed):
            lines.append(f"{INDENT}and {len(listed) - len(shown)} more")
    listed_any = any(isinstance(line, Row) for line in lines)
    if not every:
        yield from _summary(servers, listed_any=listed_any)
    headings = [Row(_REAL_SERVER_HEADINGS)] if listed_any else []
    yield from table([*headings, *lines], paint)


def needs_attention(server: RealServerStatus) -> bool:
    """Return whether a summary lists a real server.

    It lists a real server if its check does not pass, an override is in force, the table does
    not have the wanted weight yet, or a configured weight is reduced to 0.
    """
    return (
        server.verdict is not Verdict.PASSING
        or server.override is not None
        or server.actual_weight != server.wanted_weight
        or (server.configured_weight > 0 and not server.wanted_weight)
    )


def _summary(servers: Sequence[VirtualServerStatus], *, listed_any: bool) -> Iterator[str]:
    verdicts = Counter(each.verdict for server in servers for each in server.real_servers)
    counts = ", ".join(f"{verdicts[verdict]} {verdict}" for verdict in Verdict if verdicts[verdict])
    yield f"{len(servers)} virtual servers, {verdicts.total()} real servers: {counts}"
    listed = (
        "listed: the real servers that need attention" if listed_any else "none needs attention"
    )
    yield f"({listed}; --all lists every real server)"


def _passing_count(server: VirtualServerStatus) -> str:
    if not server.real_servers:
        return ""
    members = [each for each in server.real_servers if not each.absent]
    passing = sum(each.verdict is Verdict.PASSING for each in members)
    return f"  {passing} of {len(members)} passing"


def _names(names: Sequence[str], *, every: bool) -> str:
    shown = names if every else names[:ATTENTION_MAX]
    more = f" and {len(names) - len(shown)} more" if len(shown) < len(names) else ""
    return f"{', '.join(shown)}{more}"


def _virtual_server(server: VirtualServerStatus, passing: str, paint: Paint) -> str:
    parts = (
        paint(server.name, "bold"),
        f"  {server.protocol} {server.address} {server.scheduler} {server.forwarding}",
        passing,
        paint(f"  {server.quorum}" if server.quorum else "", "yellow"),
        paint("" if server.present else "  missing from the table", "red"),
        paint(_traffic(server), "dim"),
    )
    return "".join(parts)


def _members(server: VirtualServerStatus) -> Sequence[RealServerStatus]:
    """Return the real servers that need attention, the other real servers, and the sorry server."""
    ordered = sorted(server.real_servers, key=lambda member: not needs_attention(member))
    return (*ordered, *_sorry_server(server))


def _attention(server: VirtualServerStatus) -> Sequence[RealServerStatus]:
    """Return the members that need attention. This includes a sorry server that serves or fails."""
    sorry_server = (
        member
        for member in _sorry_server(server)
        if member.wanted_weight or member.verdict is not Verdict.PASSING
    )
    return [*filter(needs_attention, server.real_servers), *sorry_server]


def _sorry_server(server: VirtualServerStatus) -> Iterator[RealServerStatus]:
    if server.sorry_server is not None:
        reason = f"sorry server: {server.sorry_server.weight_reason}"
        yield replace(server.sorry_server, weight_reason=reason)


def _real_server(server: RealServerStatus) -> Row:
    reason = f"{server.weight_reason}; {server.reason}" if server.weight_reason else server.reason
    method = f" ({server.forwarding})" if server.forwarding else ""
    cells = (
        f"{INDENT}{server.address}{method}",
        str(server.configured_weight),
        _weight_in_table(server),
        f"{server.active_connections} + {server.inactive_connections}",
        str(server.per_second.connections),
        _bytes(server.per_second),
        _bytes(server.total),
        server.verdict.value,
        _age(server.verdict_age),
        reason,
    )
    return Row(cells, _CHECK_COLUMN, _STYLES[server.verdict])


def _age(seconds: float | None) -> str:
    """Render the age of a state; empty if the state began before this run."""
    return "" if seconds is None else f"{short_duration(seconds)} ago"


def _traffic(server: VirtualServerStatus) -> str:
    """Render the connections and bytes of a virtual server; empty if it had no connection yet."""
    if not server.total.connections:
        return ""
    return (
        f"  {server.active_connections} + {server.inactive_connections} connections,"
        f" {server.per_second.connections} new/s, {_bytes(server.per_second)} bytes/s,"
        f" {_bytes(server.total)} bytes"
    )


def _bytes(traffic: Traffic) -> str:
    """Render the bytes to the real servers, and the bytes back through this host."""
    return f"{_short(traffic.bytes_in)} + {_short(traffic.bytes_out)}"


def _short(number: int) -> str:
    """Render a number with at most 4 digits: 1234, 12k, 3M."""
    for unit in ("", "k", "M", "G"):
        if number < 10_000:
            return f"{number}{unit}"
        number //= 1000
    return f"{number}T"


def _weight_in_table(server: RealServerStatus) -> str:
    """Render the weight in the table, and the wanted weight where it differs."""
    actual = "-" if server.actual_weight is None else str(server.actual_weight)
    if server.actual_weight == server.wanted_weight:
        return actual
    return f"{actual} -> {'-' if server.wanted_weight is None else server.wanted_weight}"


def _host(host: HostStatus, paint: Paint) -> Iterator[str]:
    if host.sysctls:
        yield ""
        headings = Row(("sysctl", "value", "before", "reason"))
        yield from table([headings, *map(_sysctl, host.sysctls)], paint)
    for thread in host.sync_daemon.running:
        yield f"sync daemon: {thread}"
    for thread in host.sync_daemon.foreign:
        yield paint(f"foreign sync daemon, not changed: {thread}", "dim")
    for warning in host.warnings:
        yield paint(f"warning: {warning}", "yellow")


def _sysctl(sysctl: SysctlStatus) -> Row:
    actual = "missing" if sysctl.actual is None else sysctl.actual
    expected = "" if sysctl.actual == sysctl.wanted else f" (expected {sysctl.wanted})"
    return Row((sysctl.name, actual + expected, sysctl.was or "", sysctl.reason))
