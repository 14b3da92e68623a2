"""Compare two configurations that a director has run with."""

from __future__ import annotations

import argparse
import difflib
import sys

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.api.endpoint import Endpoint
from hadirector.cli import api_socket
from hadirector.status.configurations import ConfigurationList, ConfigurationText


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = (
        "Show the differences from configuration NUMBER to configuration OTHER, or to the"
        " configuration in use. Labels take the place of secrets; equal secrets have equal labels."
        " Exit with 0 if the texts are equal, with 1 if they differ."
    )
    parser.add_argument("number", type=int, metavar="NUMBER", help="the earlier configuration")
    parser.add_argument(
        "other",
        nargs="?",
        type=int,
        metavar="OTHER",
        help="the later configuration (default: the configuration in use)",
    )
    parser.add_argument("--json", action="store_true", help="print the differences as JSON")
    api_socket.add_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the differences. Return 0 without a difference, 1 with one, 2 on a fault."""
    endpoint = arguments.socket
    try:
        other = arguments.other
        if other is None:
            answer = request(endpoint, "GET", "/v1/config/history")
            other = msgspec.json.decode(answer, type=ConfigurationList).current
        before, after = _read(endpoint, arguments.number), _read(endpoint, other)
    except ApiError as error:
        print(f"hadirector: {error}", file=sys.stderr)
        return 2
    lines = list(
        difflib.unified_diff(
            before,
            after,
            f"configuration {arguments.number}",
            f"configuration {other}",
            lineterm="",
        )
    )
    if arguments.json:
        found = {"from": arguments.number, "to": other, "equal": not lines, "lines": lines}
        print(msgspec.json.encode(found).decode())
    else:
        print("\n".join(lines), end="\n" if lines else "")
    return 1 if lines else 0


def _read(endpoint: Endpoint, number: int) -> list[str]:
    """Return the lines of a configuration. Raises ApiError."""
    answer = request(endpoint, "GET", f"/v1/config/history/{number}")
    return msgspec.json.decode(answer, type=ConfigurationText).text.splitlines()
