"""Show the history of the director, and the configurations that it has run with."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.cli import api_socket
from hadirector.events.history import HistoryEntry, Kind
from hadirector.status.configurations import (
    ConfigurationList,
    ConfigurationStatus,
    ConfigurationText,
)

CONFIGURATIONS = "config"


class _History(msgspec.Struct):
    entries: tuple[HistoryEntry, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    kinds = [kind.value for kind in Kind]
    parser.description = (
        "List the failovers, handovers, changes of the configuration and pauses of this director,"
        " the latest last, also of earlier boots. With `config`, list the configurations that it"
        " has run with; with `config NUMBER`, print that configuration, with labels in the place of"
        " its secrets."
    )
    parser.add_argument(
        "what",
        nargs="?",
        choices=[CONFIGURATIONS, *kinds],
        metavar="WHAT",
        help=f"config, or one kind of entries: {', '.join(kinds)}",
    )
    parser.add_argument("number", nargs="?", type=int, metavar="NUMBER", help="configuration")
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")
    api_socket.add_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the list or a text. Return 1 when no director answers, or without that number."""
    if arguments.number is not None and arguments.what != CONFIGURATIONS:
        print("hadirector: NUMBER is the number of a configuration", file=sys.stderr)
        return 2
    try:
        answer = request(arguments.socket, "GET", _route(arguments.what, arguments.number))
    except ApiError as error:
        print(f"hadirector: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(msgspec.json.format(answer).decode())
    elif arguments.number is not None:
        print(msgspec.json.decode(answer, type=ConfigurationText).text, end="")
    elif arguments.what == CONFIGURATIONS:
        print("\n".join(_configurations(msgspec.json.decode(answer, type=ConfigurationList))))
    else:
        for entry in msgspec.json.decode(answer, type=_History).entries:
            print(render_entry(entry))
    return 0


def _route(what: str | None, number: int | None) -> str:
    if what == CONFIGURATIONS:
        return "/v1/config/history" + ("" if number is None else f"/{number}")
    return "/v1/history" + ("" if what is None else f"?kind={what}")


def _configurations(found: ConfigurationList) -> Iterator[str]:
    for each in reversed(found.configurations):
        mark = "*" if each.number == found.current else " "
        yield f"{mark} {render_configuration(each)}"
    if found.pending is not None:
        yield found.pending.description


def render_configuration(configuration: ConfigurationStatus) -> str:
    """Render a configuration in one line."""
    actor = f" by {configuration.actor}" if configuration.actor else ""
    reason = f": {configuration.reason}" if configuration.reason else ""
    return (
        f"{configuration.number:4}  {_time(configuration.at)}  {configuration.sha256[:8]}"
        f"  {configuration.how}{actor}{reason}"
    )


def render_entry(entry: HistoryEntry) -> str:
    """Render an entry of the history in one line."""
    fields = dict(entry.fields)
    head = f"{entry.number:4}  {_time(entry.at)}  {entry.kind:13}  "
    if entry.kind is Kind.FAILOVER:
        line = f"{fields['instance']}: {fields['previous']} -> {fields['state']}"
        line = f"{line}, {fields['reason']}"
        if "silence" in fields:
            line = f"{line}; {fields['peer']} was silent for {fields['silence']} s"
        return f"{head}{line}"
    words = [f"{name}={_text(value)}" for name, value in fields.items() if value not in ("", None)]
    return f"{head}{' '.join([entry.event, *words])}"


def _text(value: object) -> str:
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return f'"{text}"' if " " in text else text


def _time(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
