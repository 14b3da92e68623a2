"""Explain the weight of a real server or the state of a VRRP instance, with the latest events."""

from __future__ import annotations

import argparse
import sys
from typing import Final
from urllib.parse import quote

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.cli import api_socket, events
from hadirector.status.explanation import InstanceExplanation, RealServerExplanation


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = (
        "Explain the weight of a real server: each step that leads to it, the result of its check,"
        " its override, and its latest events. Or explain the state of a VRRP instance: its"
        " priority, its fault, whether the director is fit to serve, and the latest events."
    )
    parser.add_argument(
        "name",
        nargs="+",
        metavar="VS/RS | instance NAME",
        help="a real server, such as web/192.0.2.45:80, or the word instance and its name",
    )
    api_socket.add_argument(parser)
    parser.add_argument("--json", action="store_true", help="print the explanation as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the explanation.

    Return 1 if there is no such real server or instance, or if no director answers. Return 2 if
    the arguments name neither.
    """
    match arguments.name:
        case [name]:
            query = f"real_server={quote(name)}"
        case ["instance", name]:
            query = f"instance={quote(name)}"
        case _:
            expected = "expected VS/RS, or the word instance and the name of a VRRP instance"
            print(f"hadirector: {' '.join(arguments.name)}: {expected}", file=sys.stderr)
            return 2
    try:
        answer = request(arguments.socket, "GET", f"/v1/why?{query}")
    except ApiError as error:
        print(f"hadirector: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(msgspec.json.format(answer).decode())
    elif len(arguments.name) > 1:
        print("\n".join(render_instance(msgspec.json.decode(answer, type=InstanceExplanation))))
    else:
        print(
            "\n".join(render_explanation(msgspec.json.decode(answer, type=RealServerExplanation)))
        )
    return 0


def render_instance(why: InstanceExplanation) -> list[str]:
    """Render the state and the priority, what changes them, and the events, the newest last."""
    status = why.status
    age = "" if status.state_age is None else f" for {_duration(status.state_age)}"
    lines = [f"{status.instance}: {status.state}{age}, priority {status.priority}"]
    if " " in status.priority_arithmetic:
        lines.append(f"  priority {status.priority_arithmetic}")
    lines += [f"  this director is not fit to serve: {reason}" for reason in why.unfit]
    if status.fault is not None:
        lines.append(f"  it takes no part in elections: {status.fault}")
    if status.handing_over:
        lines.append("  it is handing over, and keeps the addresses until a peer has taken over")
    if status.yielding:
        lines.append("  an operator handed it over: any peer may be ACTIVE")
    if status.active_router is not None:
        lines.append(f"  the active router is {status.active_router}")
    lines += [f"  alarm: {alarm}" for alarm in status.alarms]
    return [*lines, *(f"  {events.line(event, ('instance',))}" for event in why.events)]


def render_explanation(why: RealServerExplanation) -> list[str]:
    """Render the weight, the steps that lead to it, and the events, the newest last."""
    status = why.status
    connections = f"{status.active_connections} + {status.inactive_connections} connections"
    lines = [f"{why.name}: weight {_weight(status.wanted_weight)} ({connections})"]
    if status.actual_weight != status.wanted_weight:
        lines.append(f"  the table still has weight {_weight(status.actual_weight)}")
    lines += [f"  {_weight(step.weight):>5}  {step.reason}" for step in why.steps]
    age = "" if status.verdict_age is None else f" for {_duration(status.verdict_age)}"
    lines.append(f"  the check is {status.verdict}{age}: {status.reason}")
    if why.expires_in is not None:
        lines.append(f"  the override expires in {_duration(why.expires_in)}")
    if why.deadline_in is not None:
        lines.append(f"  the drain ends in at most {_duration(why.deadline_in)}")
    if why.flaps_for is not None:
        lines.append(f"  flap damping lasts for another {_duration(why.flaps_for)}")
    if why.keep_clients is not None:
        stay = "stay on the real server" if why.keep_clients else "leave the real server"
        lines.append(f"  persistent clients {stay}")
    return [*lines, *(f"  {events.line(event, _KNOWN)}" for event in why.events)]


_KNOWN: Final = ("virtual_server", "real_server")
"""Fields that are the same in all events of one real server."""


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
