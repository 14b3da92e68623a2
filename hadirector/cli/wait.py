"""Wait until a condition is met, for scripts."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.cli import api_socket
from hadirector.cli.news import News
from hadirector.cli.override import duration_seconds
from hadirector.cli.selection import Selection, address_of, select
from hadirector.cli.terminal import exact_duration
from hadirector.status.readiness import decide_readiness
from hadirector.status.verdict import DirectorVerdict, Level

if TYPE_CHECKING:
    from hadirector.api.endpoint import Endpoint
    from hadirector.status.report import RealServerStatus, Status

TIMEOUT_SECONDS: Final = 300.0
LOOK_SECONDS: Final = 2.0
"""The longest time between two looks: not every change is an event."""
UNKNOWN_SECONDS: Final = 3.0
"""How long an unknown object is waited for. A director knows its instances a second after its
start."""
_EXPECTED: Final = (
    "expected drained VS/RS, drained VS, drained host ADDRESS, ready, ok, active INSTANCE or"
    " backup INSTANCE"
)
_OUT: Final = ("drain", "disable")


class Answer(NamedTuple):
    """Whether the condition is met, and the reason."""

    met: bool
    reason: str


Look = Callable[["Endpoint"], Answer]
"""Looks once whether a condition is met. Raises ApiError."""


class _Instance(msgspec.Struct):
    state: str
    active_router: str | None = None


class _Overview(msgspec.Struct):
    """The part of an overview that matters here."""

    name: str
    verdict: DirectorVerdict


class _Override(msgspec.Struct):
    """The part of an override that matters here."""

    state: str
    description: str
    connections: int | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = (
        "Wait until a condition is met: a real server, all of a virtual server, or all at one"
        " address are drained; the director is ready to serve; its verdict is OK; or an instance is"
        " ACTIVE or BACKUP. Exit with 0 when it is met, and with 1 if it is not met in time."
    )
    parser.add_argument(
        "condition",
        nargs="+",
        metavar="CONDITION",
        help="drained VS/RS, drained VS, drained host ADDRESS, ready, ok, active INSTANCE, or"
        " backup INSTANCE",
    )
    parser.add_argument(
        "--timeout",
        type=_timeout,
        default=TIMEOUT_SECONDS,
        metavar="DURATION",
        help="longest time to wait; 0 tests the condition once (default: 5m)",
    )
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")
    api_socket.add_argument(parser)


def _timeout(text: str) -> float:
    return 0.0 if text == "0" else duration_seconds(text)


def run(arguments: argparse.Namespace) -> int:
    """Wait. Return 0 when the condition is met, 1 if it is not, and 2 for an unknown condition."""
    words = " ".join(arguments.condition)
    look = find_condition(arguments.condition)
    if look is None:
        print(f"hadirector: {words}: {_EXPECTED}", file=sys.stderr)
        return 2
    began = time.monotonic()
    answer = wait_for(look, arguments.socket, arguments.timeout)
    seconds = time.monotonic() - began
    if arguments.json:
        result = {"condition": words, **answer._asdict(), "seconds": round(seconds, 3)}
        print(msgspec.json.encode(result).decode())
    elif answer.met:
        print(f"{words}: {answer.reason}")
    else:
        print(
            f"hadirector: {words}: not met within {exact_duration(seconds)}: {answer.reason}",
            file=sys.stderr,
        )
    return 0 if answer.met else 1


def wait_for(look: Look, endpoint: Endpoint, seconds: float) -> Answer:
    """Look again at each event, until the condition is met or the time is over.

    A director that does not answer is waited for. A refusal ends the waiting, but an unknown object
    may appear within 3 s.
    """
    began, news = time.monotonic(), News(endpoint)
    end = began + seconds
    while True:
        try:
            news.mark()
            answer = look(endpoint)
        except ApiError as error:
            answer = Answer(False, str(error))
            patience = UNKNOWN_SECONDS if error.status == 404 else 0.0
            if error.status is not None and error.status < 500:
                end = min(end, began + patience)
        left = end - time.monotonic()
        if answer.met or left <= 0:
            return answer
        news.wait(min(left, LOOK_SECONDS))


def find_condition(words: list[str]) -> Look | None:
    """Return the function that looks at the condition, None if there is no such condition."""
    match words:
        case ["ready"]:
            return _look_ready
        case ["ok"]:
            return _look_ok
        case ["active" | "backup" as state, instance]:
            return lambda endpoint: _look_instance(endpoint, instance, state.upper())
        case ["drained", *name]:
            chosen = select(name)
            if chosen is not None:
                look = _look_at_drains if chosen.several else _look_at_drain
                return lambda endpoint: look(endpoint, chosen)
    return None


def _status(endpoint: Endpoint) -> Status:
    from hadirector.status.report import Status

    return msgspec.json.decode(request(endpoint, "GET", "/v1/status"), type=Status)


def _overview(endpoint: Endpoint) -> _Overview:
    return msgspec.json.decode(request(endpoint, "GET", "/v1/overview"), type=_Overview)


def _look_ok(endpoint: Endpoint) -> Answer:
    verdict = _overview(endpoint).verdict
    return Answer(verdict.level is Level.OK, f"{verdict.level}: {verdict.summary}")


def _look_ready(endpoint: Endpoint) -> Answer:
    overview = _overview(endpoint)
    readiness = decide_readiness(overview.verdict.problems)
    missing = [
        f"{problem.object}: {problem.reason}"
        for condition in readiness.conditions
        for problem in condition.problems
    ]
    return Answer(readiness.ready, "; ".join(missing) or f"{overview.name} could serve now")


def _look_instance(endpoint: Endpoint, instance: str, state: str) -> Answer:
    answer = request(endpoint, "GET", f"/v1/instances/{quote(instance, '')}")
    status = msgspec.json.decode(answer, type=_Instance)
    other = f", {status.active_router} is active" if status.active_router else ""
    return Answer(status.state == state, f"it is {status.state}{other}")


def _look_at_drain(endpoint: Endpoint, chosen: Selection) -> Answer:
    override = msgspec.json.decode(request(endpoint, "GET", chosen.route), type=_Override)
    if override.state in ("drained", "disabled"):
        return Answer(True, override.description)
    left = "" if override.connections is None else f", {override.connections} connections left"
    return Answer(False, f"it is {override.description}{left}")


def _look_at_drains(endpoint: Endpoint, chosen: Selection) -> Answer:
    members = select_members(_status(endpoint), chosen)
    if not members:
        raise ApiError(f"{chosen.words}: no real server", 404)
    inside = [name for name, member in members.items() if not is_out(member)]
    if not inside:
        return Answer(True, f"out of the table: {', '.join(members)}")
    first = members[inside[0]]
    connections = first.active_connections + first.inactive_connections
    return Answer(
        False,
        f"{len(inside)} of {len(members)} real servers are still in the table; the first is"
        f" {inside[0]} with {connections} connections",
    )


def select_members(status: Status, chosen: Selection) -> dict[str, RealServerStatus]:
    """Return the real servers of a virtual server, or all of them at an address."""
    return {
        f"{server.name}/{member.address}": member
        for server in status.virtual_servers
        for member in server.real_servers
        if chosen.virtual_server in ("*", server.name)
        and chosen.real_server in ("*", member.address, address_of(member.address))
    }


def is_out(member: RealServerStatus) -> bool:
    """Return whether an override has taken a real server out of the table."""
    return member.override in _OUT and member.actual_weight is None
