"""Show how the weight of a real server comes about, and what happened to it lately."""

from __future__ import annotations

import argparse
import sys
from typing import Final
from urllib.parse import quote

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.cli import events, override
from hadirector.status.explanation import Why


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    override.add_name(parser)
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the derivation. Returns 1 when there is no such real server, or no director."""
    try:
        answer = request(arguments.socket, "GET", f"/v1/why?real_server={quote(arguments.name)}")
    except ApiError as error:
        print(f"hadirector: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(msgspec.json.format(answer).decode())
    else:
        print("\n".join(told(msgspec.json.decode(answer, type=Why))))
    return 0


def told(why: Why) -> list[str]:
    """Tell it in lines: the weight, what it follows from, and what happened, newest last."""
    status = why.status
    carried = f"{status.active_connections} + {status.inactive_connections} connections"
    lines = [f"{why.name}: weight {_weight(status.wanted_weight)} ({carried})"]
    if status.actual_weight != status.wanted_weight:
        lines.append(f"  the dataplane still has {_weight(status.actual_weight)}")
    lines += [f"  {_weight(step.weight):>5}  {step.words}" for step in why.steps]
    lines.append(f"  the check is {status.verdict}: {status.reason}")
    if why.expires_in is not None:
        lines.append(f"  the order is lifted in {_duration(why.expires_in)}")
    if why.deadline_in is not None:
        lines.append(f"  the drain ends in {_duration(why.deadline_in)} at the latest")
    if why.flaps_for is not None:
        lines.append(f"  it counts as flapping for {_duration(why.flaps_for)} more")
    if why.keep_clients is not None:
        lines.append(f"  clients of persistence {'stay' if why.keep_clients else 'leave'}")
    return [*lines, *(f"  {events.line(each, _KNOWN)}" for each in why.events)]


_KNOWN: Final = ("virtual_server", "real_server")
"""What of an event need not be said of each."""


def _weight(weight: int | None) -> str:
    return "out" if weight is None else str(weight)


def _duration(seconds: float) -> str:
    left = max(0, round(seconds))
    hours, rest = divmod(left, 3600)
    minutes, rest = divmod(rest, 60)
    return (
        " ".join(f"{n} {unit}" for n, unit in ((hours, "h"), (minutes, "min"), (rest, "s")) if n)
        or "a moment"
    )
