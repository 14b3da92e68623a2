"""Rehearse a failover: give the addresses to the standby for a while, and measure it."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from typing import Final

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.cli import api_socket
from hadirector.cli.override import duration_seconds
from hadirector.status.drill_status import DrillState, DrillStatus

SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = (
        "Give the addresses of this ACTIVE director to the standby, and take them back after a"
        " while. The director sends echo requests to the virtual addresses. The command"
        " prints how many were lost, the longest gap, and the connections that the standby knows."
        " `hadirector history drill` lists the results. Without a standby that is known to be"
        " ready, it refuses. Exit with 1 if the drill has failed. Ctrl-C does not end the drill."
    )
    parser.add_argument(
        "--crash",
        action="store_true",
        help="kill the vrrp process of this director instead of a handover",
    )
    parser.add_argument("--reason", default="", metavar="TEXT", help="recorded with the drill")
    parser.add_argument(
        "--for",
        dest="seconds",
        type=duration_seconds,
        default=SECONDS,
        metavar="DURATION",
        help=f"when to take the addresses back, 5s to 10min (default: {SECONDS:g}s)",
    )
    parser.add_argument(
        "--anyway", action="store_true", help="also without a standby that is known to be ready"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    api_socket.add_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run a drill and print its result. Return 1 if it is refused or has failed."""
    body = {
        "crash": arguments.crash,
        "reason": arguments.reason,
        "seconds": arguments.seconds,
        "anyway": arguments.anyway,
    }
    endpoint = arguments.socket
    try:
        status = _decode(request(endpoint, "POST", "/v1/drills", body))
        if not arguments.json:
            print(_describe_begin(status), flush=True)
        while status.state is DrillState.RUNNING:
            time.sleep(_POLL_SECONDS)
            status = _decode(request(endpoint, "GET", f"/v1/drills/{status.number}"))
    except ApiError as error:
        print(f"hadirector: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(msgspec.json.format(msgspec.json.encode(status)).decode())
    else:
        print("\n".join(render(status)))
    return 0 if status.state is DrillState.PASSED else 1


def _decode(answer: bytes) -> DrillStatus:
    return msgspec.json.decode(answer, type=DrillStatus)


def _describe_begin(status: DrillStatus) -> str:
    names = ", ".join(status.instances)
    if status.crash:
        return f"drill {status.number}: the vrrp process is killed ({names})"
    return f"drill {status.number}: {names} to the standby for {status.seconds:g} s" + (
        f" (standby {status.standby})" if status.standby else ""
    )


def render(status: DrillStatus) -> Iterator[str]:
    """Render the result of a drill."""
    if status.taken_over_in is not None:
        yield f"  hand over   a peer was ACTIVE after {_milliseconds(status.taken_over_in)}"
    if status.returned_in is not None:
        yield f"  take back   ACTIVE here after {_milliseconds(status.returned_in)}"
    gap = "none" if status.longest_gap is None else _milliseconds(status.longest_gap)
    yield (
        f"  probes      {status.probes_sent} sent, {status.probes_lost} lost; longest time between"
        f" two replies {gap}"
    )
    if status.connections is not None:
        at_peer = status.connections_at_peer
        known = "not known" if at_peer is None else str(at_peer)
        yield (
            f"  connections {status.connections} before, {known} at the peer,"
            f" {status.connections_after} after"
        )
    reason = f": {status.failure}" if status.failure else ""
    yield f"{status.state.value.upper()}{reason} (`hadirector history drill`)"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
