"""Pause the decisions of the running director, and resume them."""

from __future__ import annotations

import argparse
import sys

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.cli import api_socket
from hadirector.cli.override import duration_seconds
from hadirector.status.pause_status import PauseStatus

ROUTE = "/v1/pause"


class _State(msgspec.Struct):
    pause: PauseStatus | None


class _Pause:
    """The command ``pause``."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments of the command."""
        parser.description = (
            "Stop the decisions of this director for a limited time: verdicts change no weight."
            " Overrides, reloads and repairs of the table go on. With --elections, the roles of"
            " VRRP instances are frozen too: no preemption, and no effect of tracked objects. A"
            " dead peer is still replaced, and a stop still hands over. The pause ends by itself,"
            " and survives a restart and a reboot."
        )
        parser.add_argument("--reason", required=True, metavar="TEXT", help="why")
        parser.add_argument(
            "--for",
            dest="seconds",
            type=duration_seconds,
            required=True,
            metavar="DURATION",
            help="end the pause after this time, at most 24h",
        )
        parser.add_argument(
            "--elections", action="store_true", help="freeze the roles of VRRP instances too"
        )
        parser.add_argument("--json", action="store_true", help="print the answer as JSON")
        api_socket.add_argument(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        """Begin the pause. Return 1 if the director refuses it or does not answer."""
        body = {
            "reason": arguments.reason,
            "expires_in": arguments.seconds,
            "elections": arguments.elections,
        }
        try:
            answer = request(arguments.socket, "PUT", ROUTE, body)
        except ApiError as error:
            print(f"hadirector: {error}", file=sys.stderr)
            return 1
        if arguments.json:
            print(answer.decode())
            return 0
        pause = msgspec.json.decode(answer, type=_State).pause
        assert pause is not None, "the director has just begun it"
        print(f"{pause.description}; it ends in {pause.remaining:.0f} s, or by `hadirector resume`")
        return 0


class _Resume:
    """The command ``resume``."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments of the command."""
        parser.description = (
            "End the pause of this director. It decides at once from the current verdicts; the"
            " brake of each virtual server (min_healthy) applies as always."
        )
        parser.add_argument(
            "--reason",
            default="",
            metavar="TEXT",
            help="why the pause ends; events show this text",
        )
        parser.add_argument("--json", action="store_true", help="print the answer as JSON")
        api_socket.add_argument(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        """End the pause. Return 1 if there is none, or if no director answers."""
        try:
            answer = request(arguments.socket, "DELETE", ROUTE, {"reason": arguments.reason})
        except ApiError as error:
            print(f"hadirector: {error}", file=sys.stderr)
            return 1
        print(answer.decode() if arguments.json else "resumed")
        return 0


pause = _Pause()
resume = _Resume()
