"""Show the state of the running director."""

from __future__ import annotations

import argparse
import sys

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.cli import api_socket

REAL_SERVERS_MAX = 100
"""With more real servers, the text lists only the real servers that need attention."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = (
        "Show the state of the running director: processes, VRRP instances, virtual servers with"
        " their real servers, and the settings of the kernel that it maintains."
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="list every real server; by default, a director with more than"
        f" {REAL_SERVERS_MAX} real servers lists only the real servers that need attention",
    )
    parser.add_argument("--json", action="store_true", help="print the whole status as JSON")
    api_socket.add_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the status. Return 1 when no director answers."""
    try:
        answer = request(arguments.socket, "GET", "/v1/status")
    except ApiError as error:
        print(f"hadirector: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(msgspec.json.format(answer).decode())
        return 0
    from hadirector.cli.status_text import render_status
    from hadirector.cli.terminal import paint_for
    from hadirector.status.report import Status

    status = msgspec.json.decode(answer, type=Status)
    count = sum(len(server.real_servers) for server in status.virtual_servers)
    every = arguments.all or count <= REAL_SERVERS_MAX
    print("\n".join(render_status(status, paint_for(sys.stdout), every_real_server=every)))
    return 0
