"""Reload the configuration file of the running director."""

from __future__ import annotations

import argparse

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.cli import api_socket
from hadirector.cli.outcome import Outcome


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = (
        "Make the running director read its configuration file again. If the file has a fault, the"
        " director keeps the old configuration."
    )
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    api_socket.add_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Reload. Return 1 when the director refuses the new configuration or does not answer."""
    outcome = Outcome(as_json=arguments.json)
    try:
        answer = request(arguments.socket, "POST", "/v1/reload")
        outcome.add_line(msgspec.json.decode(answer)["changed"])
    except ApiError as error:
        outcome.add_fault(str(error))
    return outcome.finish()
