"""Reload the configuration file of the running director."""

from __future__ import annotations

import argparse
import sys

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.cli import api_socket


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = (
        "Make the running director read its configuration file again. If the file has a fault, the"
        " director keeps the old configuration."
    )
    api_socket.add_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Reload. Return 1 when the director refuses the new configuration or does not answer."""
    try:
        answer = request(arguments.socket, "POST", "/v1/reload")
    except ApiError as error:
        print(f"hadirector: {error}", file=sys.stderr)
        return 1
    print(msgspec.json.decode(answer)["changed"])
    return 0
