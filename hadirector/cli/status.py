"""Show the state of the running director."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.cli import api_socket

if TYPE_CHECKING:
    from hadirector.cli.terminal import Paint
    from hadirector.status.report import Status
    from hadirector.status.verdict import DirectorVerdict

REAL_SERVERS_MAX = 100
"""With more real servers, the text lists only the real servers that need attention."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = (
        "Show the state of the running director. The first line is the verdict: OK, DEGRADED or"
        " CRITICAL, and the worst problem. Then follow processes, VRRP instances, virtual servers"
        " with their real servers, and the settings of the kernel that it maintains. With a pair"
        " link, the verdict is on the pair as this director sees it, and the directors stand side"
        " by side. Exit with 0 if the verdict is OK, and with 1 if it is DEGRADED or CRITICAL, or"
        " if no director answers."
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="list every real server; by default, a director with more than"
        f" {REAL_SERVERS_MAX} real servers lists only the real servers that need attention",
    )
    parser.add_argument(
        "--pair",
        action="store_true",
        help="show only the directors of the pair, side by side, with their differences",
    )
    output = parser.add_mutually_exclusive_group()
    output.add_argument(
        "--problems", action="store_true", help="list only the problems, each with its remedy"
    )
    output.add_argument(
        "--quiet", action="store_true", help="print nothing; the exit code is the answer"
    )
    output.add_argument(
        "--json", action="store_true", help="print the whole status as JSON, with the verdict"
    )
    api_socket.add_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the status. Return 1 if the verdict is not OK or no director answers."""
    try:
        if arguments.pair:
            return _show_pair(arguments)
        answer = request(arguments.socket, "GET", "/v1/status")
    except ApiError as error:
        if not arguments.quiet:
            print(f"hadirector: {error}", file=sys.stderr)
        return 1
    from hadirector.status.problems import judge_director
    from hadirector.status.report import Status
    from hadirector.status.verdict import Level

    status = msgspec.json.decode(answer, type=Status)
    verdict = status.verdict or judge_director(status)
    if arguments.json:
        print(msgspec.json.format(answer).decode())
    elif not arguments.quiet:
        print("\n".join(_lines(status, verdict, arguments)))
    return 0 if verdict.level is Level.OK else 1


def _show_pair(arguments: argparse.Namespace) -> int:
    """Print the directors side by side. Raises ApiError if no director with a pair link answers."""
    answer = request(arguments.socket, "GET", "/v1/pair")
    from hadirector.pair.report import PairReport
    from hadirector.status.verdict import Level

    report = msgspec.json.decode(answer, type=PairReport)
    if arguments.json:
        print(msgspec.json.format(answer).decode())
    elif not arguments.quiet:
        from hadirector.cli.pair_text import render_pair
        from hadirector.cli.terminal import paint_for
        from hadirector.cli.verdict_text import render_problems, render_verdict

        paint = paint_for(sys.stdout)
        shown = render_problems(report.verdict, paint)
        lines = shown if arguments.problems else render_pair(report, paint)
        print("\n".join([render_verdict(report.verdict, paint), *lines]))
    return 0 if report.verdict.level is Level.OK else 1


def _pair_lines(arguments: argparse.Namespace, paint: Paint) -> Iterator[str]:
    """Render the directors side by side; nothing if the pair link has just been removed."""
    from hadirector.cli.pair_text import render_pair
    from hadirector.pair.report import PairReport

    try:
        answer = request(arguments.socket, "GET", "/v1/pair")
    except ApiError:
        return
    yield from render_pair(msgspec.json.decode(answer, type=PairReport), paint)
    yield ""


def _lines(
    status: Status, verdict: DirectorVerdict, arguments: argparse.Namespace
) -> Iterator[str]:
    """Render the verdict, and below it the problems or the whole status."""
    from hadirector.cli.status_text import render_status
    from hadirector.cli.terminal import paint_for
    from hadirector.cli.verdict_text import render_problems, render_verdict

    paint = paint_for(sys.stdout)
    yield render_verdict(verdict, paint)
    if arguments.problems:
        yield from render_problems(verdict, paint)
        return
    if status.pair is not None:
        yield from _pair_lines(arguments, paint)
    count = sum(len(server.real_servers) for server in status.virtual_servers)
    every = arguments.all or count <= REAL_SERVERS_MAX
    yield from render_status(status, paint, every_real_server=every)
