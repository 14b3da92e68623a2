"""Show the open alerts and the receivers of alerts, and test the receivers."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.cli import api_socket
from hadirector.status.alert_status import AlertsStatus, ReceiverStatus, TestResult

ROUTE = "/v1/alerts"


class _Results(msgspec.Struct):
    results: tuple[TestResult, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = (
        "Show the open alerts, and the receivers that are informed of them. `test` sends a test"
        " message to one receiver or to all, and exits with 1 if a receiver does not accept it."
    )
    parser.add_argument("action", nargs="?", choices=("list", "test"), default="list")
    parser.add_argument("receiver", nargs="?", metavar="RECEIVER", help="the receiver to test")
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")
    api_socket.add_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command. Return 1 if a test fails, or if no director answers."""
    if arguments.action == "list" and arguments.receiver is not None:
        print("hadirector: list takes no receiver", file=sys.stderr)
        return 2
    try:
        if arguments.action == "test":
            return _test(arguments)
        answer = request(arguments.socket, "GET", ROUTE)
    except ApiError as error:
        print(f"hadirector: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(answer.decode())
    else:
        print("\n".join(_lines(msgspec.json.decode(answer, type=AlertsStatus))))
    return 0


def _test(arguments: argparse.Namespace) -> int:
    body = {} if arguments.receiver is None else {"receiver": arguments.receiver}
    answer = request(arguments.socket, "POST", f"{ROUTE}/test", body)
    results = msgspec.json.decode(answer, type=_Results).results
    if arguments.json:
        print(answer.decode())
    elif not results:
        print("hadirector: the configuration has no receiver of alerts", file=sys.stderr)
    else:
        for result in results:
            print(f"{result.receiver}: {result.failure or 'the message was accepted'}")
    return int(not results or any(result.failure for result in results))


def _lines(status: AlertsStatus) -> Iterator[str]:
    for alert in status.alerts:
        since = f"{alert.began_at:%Y-%m-%d %H:%M:%SZ}"
        yield f"{alert.condition} {alert.object}: {alert.reason} (since {since})"
    if not status.alerts:
        yield "no open alerts"
    for receiver in status.receivers:
        yield _receiver_line(receiver)
    if not status.receivers:
        yield "no receivers: the configuration has no alerts"


def _receiver_line(receiver: ReceiverStatus) -> str:
    counts = f"{receiver.delivered} messages delivered, {receiver.lost} lost"
    if receiver.waiting:
        counts += f", {receiver.waiting} alerts and events wait"
    failure = f"; {'failing' if receiver.failing else 'latest attempt'}: {receiver.failure}"
    return f"receiver {receiver.name} ({receiver.kind}): {counts}" + (
        failure if receiver.failure else ""
    )
