"""Show what a running director holds, checks and knows."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from hadirector.api.client import ApiError, request
from hadirector.cli import api_socket
from hadirector.dataplane.dataplane import Traffic
from hadirector.host.status import HostStatus
from hadirector.host.sysctl.rules import SysctlStatus
from hadirector.status.report import ProcessStatus, RealServerStatus, Status, VirtualServerStatus
from vrrp.model.report import InstanceStatus

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

PIPE_WIDTH = 200
REASON_WIDTH_MIN = 16
INDENT = "  "
DROPPED = "dropped_"

_COLOURS = {"ACTIVE": "bold green", "passing": "green", "failing": "red", "unknown": "yellow"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--json", action="store_true", help="print the whole status as JSON")
    api_socket.add_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the status. Returns 1 when no director answers."""
    try:
        answer = request(arguments.socket, "GET", "/v1/status")
    except ApiError as error:
        print(f"hadirector: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(msgspec.json.format(answer).decode())
    else:
        _print(msgspec.json.decode(answer, type=Status))
    return 0


def _print(status: Status) -> None:
    from rich.console import Console
    from rich.text import Text

    # In a pipe nobody has a width: lines are left whole, for grep. No markup: [fd00::1] is none.
    width = None if sys.stdout.isatty() else PIPE_WIDTH
    console = Console(highlight=False, markup=False, emoji=False, width=width)
    version = f"  hadirector {status.version}, {status.dataplane}"
    console.print(Text.assemble((status.name, "bold"), version))
    processes = [f"director {status.pid}", *map(_process, status.processes)]
    console.print(f"processes: {', '.join(processes)}", style="dim", soft_wrap=True)
    if status.instances:
        console.print()
        console.print(_instances(status.instances))
        for each in status.instances:
            for alarm in each.alarms:
                console.print(f"{each.instance}: {alarm}", style="bold red", soft_wrap=True)
            for line in (*_reasons(each), *_dropped(each)):
                console.print(line, style="dim", soft_wrap=True)
    if status.virtual_servers:
        console.print()
        _print_virtual_servers(console, status)
    _print_upkeep(console, status.host)
    if status.blind:
        console.print("blind: none of the backends can be seen from here", style="bold red")
    for order in status.orphaned_overrides:
        console.print(order, style="yellow", soft_wrap=True)
    for service in status.foreign_services:
        console.print(f"not ours, left alone: {service}", style="dim", soft_wrap=True)
    for operation, error in status.failing.items():
        console.print(f"failing: {operation}: {error}", style="red", soft_wrap=True)


def _process(process: ProcessStatus) -> str:
    restarts = f" ({process.restarts} restarts)" if process.restarts else ""
    return f"{process.name} {process.pid or 'not running'}{restarts}"


def _instances(instances: Sequence[InstanceStatus]) -> Table:
    table = _table("VRRP instance", "state", "priority", "VRID", "interface", "addresses", "active")
    for each in instances:
        state = _coloured(each.state)
        state.append(" (handing over)" * each.handing_over)
        state.append(" (yielding to peers)" * each.yielding)
        table.add_row(
            each.instance,
            state,
            str(each.priority),
            str(each.virtual_router_id),
            each.interface,
            " ".join(address.removesuffix("/32") for address in each.virtual_addresses),
            "this director" if each.state == "ACTIVE" else each.active_router or "unknown",
        )
    return table


def _reasons(instance: InstanceStatus) -> list[str]:
    """Say why an instance does not take part, and how its priority comes about if it was moved."""
    reasons = []
    if instance.fault is not None:
        reasons.append(f"{instance.instance} does not take part: {instance.fault}")
    if " " in instance.priority_arithmetic:
        reasons.append(f"{instance.instance} has the priority {instance.priority_arithmetic}")
    return reasons


def _dropped(instance: InstanceStatus) -> list[str]:
    """Say what was received and not believed, by reason; nothing when there was nothing."""
    said = []
    ours = _reasons_counted(instance.counters)
    if ours:
        said.append(f"{instance.instance} has dropped advertisements: {ours}")
    others = _reasons_counted(instance.undelivered)
    if others:
        said.append(f"{instance.interface} has received for no instance: {others}")
    return said


def _reasons_counted(counters: Mapping[str, int]) -> str:
    counts = {
        name.removeprefix(DROPPED): n for name, n in counters.items() if name.startswith(DROPPED)
    }
    return ", ".join(f"{reason} {count}" for reason, count in sorted(counts.items()))


def _print_virtual_servers(console: Console, status: Status) -> None:
    """Print a line for every virtual server, and under it a table that is aligned with the others.

    A terminal too narrow for the reasons wraps the lines, rather than that anything is left out.
    """
    from rich.text import Text

    headings = (
        "virtual server",
        "weight",
        "in table",
        "connections",
        "new/s",
        "bytes/s",
        "bytes",
        "check",
        "because",
    )
    rows = [_real_server(each) for server in status.virtual_servers for each in _servers(server)]
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    gaps = len(INDENT) * (len(widths) - 1)
    console.width = max(console.width, sum(widths[:-1]) + gaps + REASON_WIDTH_MIN)
    remaining = iter(rows)
    console.print(_table(*headings, widths=widths))
    for server in status.virtual_servers:
        kind = f"  {server.protocol} {server.address} {server.scheduler} {server.forwarding}"
        missing = ("" if server.present else "  missing in the table", "red")
        quorum = (f"  {server.quorum}" * bool(server.quorum), "yellow")
        carried = (_carried(server), "dim")
        line = Text.assemble((server.name, "bold"), kind, quorum, missing, carried)
        console.print(line, soft_wrap=True)
        if server.held:
            kept = f"{INDENT}kept although failing: {', '.join(server.held)}"
            console.print(kept, style="red", soft_wrap=True)
        table = _table(*headings, widths=widths, show_header=False)
        for _ in _servers(server):
            *cells, verdict, reason = next(remaining)
            table.add_row(*cells, _coloured(verdict), reason)
        console.print(table)


def _servers(server: VirtualServerStatus) -> tuple[RealServerStatus, ...]:
    """The real servers, and the sorry server after them."""
    sorry = server.sorry_server
    if sorry is None:
        return server.real_servers
    return (
        *server.real_servers,
        replace(sorry, weight_reason=f"sorry server: {sorry.weight_reason}"),
    )


def _real_server(server: RealServerStatus) -> tuple[str, ...]:
    return (
        f"{INDENT}{server.address}",
        str(server.configured_weight),
        _held(server),
        f"{server.active_connections} + {server.inactive_connections}",
        str(server.per_second.connections),
        _bytes(server.per_second),
        _bytes(server.total),
        str(server.verdict),
        f"{server.weight_reason}; {server.reason}" if server.weight_reason else server.reason,
    )


def _carried(server: VirtualServerStatus) -> str:
    """Say what a virtual server carries and has carried, if it was ever used."""
    if not server.total.connections:
        return ""
    return (
        f"  {server.active_connections} + {server.inactive_connections} connections,"
        f" {server.per_second.connections} new/s, {_bytes(server.per_second)} bytes/s,"
        f" {_bytes(server.total)} bytes"
    )


def _bytes(traffic: Traffic) -> str:
    """To the real servers, and back through this host."""
    return f"{_short(traffic.bytes_in)} + {_short(traffic.bytes_out)}"


def _short(number: int) -> str:
    """Write 4 digits at most: 1234, 12k, 3M."""
    for unit in ("", "k", "M", "G"):
        if number < 10_000:
            return f"{number}{unit}"
        number //= 1000
    return f"{number}T"


def _held(server: RealServerStatus) -> str:
    """Say the weight in the table, and the one on its way there."""
    actual = "-" if server.actual_weight is None else str(server.actual_weight)
    if server.actual_weight == server.wanted_weight:
        return actual
    return f"{actual} -> {'-' if server.wanted_weight is None else server.wanted_weight}"


def _print_upkeep(console: Console, host: HostStatus) -> None:
    if host.sysctls:
        console.print()
        console.print(_sysctls(host.sysctls))
    for thread in host.sync_daemon.running:
        console.print(f"sync daemon: {thread}", soft_wrap=True)
    for thread in host.sync_daemon.foreign:
        console.print(f"not ours, left alone: sync daemon {thread}", style="dim", soft_wrap=True)
    for warning in host.warnings:
        console.print(f"warning: {warning}", style="yellow", soft_wrap=True)


def _sysctls(sysctls: Sequence[SysctlStatus]) -> Table:
    table = _table("sysctl", "value", "was", "because")
    for each in sysctls:
        held = "not there" if each.actual is None else each.actual
        missed = "" if each.actual == each.wanted else f" (expected {each.wanted})"
        table.add_row(each.name, held + missed, each.was or "", each.reason)
    return table


def _table(*headings: str, widths: Sequence[int] = (), show_header: bool = True) -> Table:
    """Make a table without lines; all columns but the last get their widths, if there are any."""
    from rich.table import Table

    table = Table(box=None, show_header=show_header, padding=(0, len(INDENT), 0, 0), pad_edge=False)
    given = [*widths[:-1], None] if widths else [None] * len(headings)
    for heading, width in zip(headings, given, strict=True):
        table.add_column(heading, width=width, overflow="fold")
    return table


def _coloured(word: str) -> Text:
    from rich.text import Text

    return Text(word, style=_COLOURS.get(word, ""))
