"""Give virtual addresses to the peer director, until undone."""

from __future__ import annotations

import argparse
import sys

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.cli import api_socket


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("instance", nargs="?", help="VRRP instance (default: all)")
    parser.add_argument("--undo", action="store_true", help="take part in elections again")
    api_socket.add_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Order or undo a handover. Returns 1 when the director refuses or cannot be reached."""
    body = {"instance": arguments.instance, "undo": arguments.undo}
    try:
        answer = request(arguments.socket, "POST", "/v1/handover", body)
    except ApiError as error:
        print(f"hadirector: {error}", file=sys.stderr)
        return 1
    names = ", ".join(msgspec.json.decode(answer)["instances"])
    print(f"{names}: {'handover undone' if arguments.undo else 'handing over'}")
    return 0
