"""Show what a running director holds, checks and knows."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.cli import api_socket
from hadirector.status import RealServerStatus, Status

if TYPE_CHECKING:
    from rich.table import Table

PIPE_WIDTH = 200

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

    # In a pipe nobody has a width: lines are left whole, for grep.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)
    processes = ", ".join(
        f"{each.name} {each.pid or 'not running'} ({each.restarts} restarts)"
        for each in status.processes
    )
    console.print(f"[bold]{status.name}[/]  hadirector {status.version}, {status.dataplane}")
    console.print(f"processes: director {status.pid}, {processes}", style="dim")
    if status.instances:
        console.print(_instances(status))
    if status.virtual_servers:
        console.print(_virtual_servers(status))
    for service in status.foreign_services:
        console.print(f"not ours, left alone: {service}", style="dim")
    for operation, error in status.failing.items():
        console.print(f"failing: {operation}: {error}", style="red")


def _instances(status: Status) -> Table:
    table = _table("VRRP instance", "state", "priority", "VRID", "interface", "addresses", "active")
    for instance in status.instances:
        notes = [
            note
            for note, said in (
                ("handing over", instance.handing_over),
                ("yielding to peers", instance.yielding),
            )
            if said
        ]
        table.add_row(
            instance.instance,
            " ".join([_coloured(instance.state), *(f"({note})" for note in notes)]),
            str(instance.priority),
            str(instance.virtual_router_id),
            instance.interface,
            " ".join(instance.virtual_addresses),
            "this director" if instance.state == "ACTIVE" else instance.active_router or "unknown",
        )
    return table


def _virtual_servers(status: Status) -> Table:
    table = _table("virtual server", "weight", "in table", "connections", "check", "because")
    for server in status.virtual_servers:
        kind = f"{server.protocol} {server.address} {server.scheduler} {server.forwarding}"
        table.add_row(f"[bold]{server.name}[/]  {kind}", "", "" if server.present else "missing")
        for each in server.real_servers:
            table.add_row(
                f"  {each.address}",
                str(each.configured_weight),
                _held(each),
                f"{each.active_connections} + {each.inactive_connections}",
                _coloured(each.verdict),
                each.reason,
            )
    return table


def _held(server: RealServerStatus) -> str:
    """Say the weight in the table, and the one on its way there."""
    actual = "-" if server.actual_weight is None else str(server.actual_weight)
    if server.actual_weight == server.wanted_weight:
        return actual
    return f"{actual} -> {'-' if server.wanted_weight is None else server.wanted_weight}"


def _table(*columns: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, no_wrap=column != columns[-1])
    return table


def _coloured(word: str) -> str:
    colour = _COLOURS.get(word)
    return f"[{colour}]{word}[/]" if colour else word
