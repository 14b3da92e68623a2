"""Hand virtual addresses over to the peer director."""

from __future__ import annotations

import argparse
import sys

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.cli import api_socket


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = (
        "Hand the virtual addresses of VRRP instances over to the peer director. The instances"
        " stay BACKUP as long as a peer is active, until --undo."
    )
    parser.add_argument(
        "instance", nargs="?", metavar="INSTANCE", help="VRRP instance (default: all instances)"
    )
    parser.add_argument(
        "--undo", action="store_true", help="let the instances take part in elections as before"
    )
    api_socket.add_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Start or undo a handover. Return 1 when the director refuses it or does not answer."""
    body = {"instance": arguments.instance, "undo": arguments.undo}
    try:
        answer = request(arguments.socket, "POST", "/v1/handover", body)
    except ApiError as error:
        print(f"hadirector: {error}", file=sys.stderr)
        return 1
    names = ", ".join(msgspec.json.decode(answer)["instances"])
    print(f"{names}: {'handover undone' if arguments.undo else 'handing over'}")
    return 0
