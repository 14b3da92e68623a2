"""Show the configurations that this director has run with."""

from __future__ import annotations

import argparse
import sys
import time

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.cli import api_socket
from hadirector.status.configurations import (
    ConfigurationList,
    ConfigurationStatus,
    ConfigurationText,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = (
        "List the configurations that this director has run with, the latest first. With NUMBER,"
        " print that configuration; labels take the place of its secrets."
    )
    parser.add_argument("what", choices=["config"], help="config: the configurations")
    parser.add_argument("number", nargs="?", type=int, metavar="NUMBER", help="configuration")
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")
    api_socket.add_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the list or a text. Return 1 when no director answers, or without that number."""
    route = "/v1/config/history"
    if arguments.number is not None:
        route = f"{route}/{arguments.number}"
    try:
        answer = request(arguments.socket, "GET", route)
    except ApiError as error:
        print(f"hadirector: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(msgspec.json.format(answer).decode())
    elif arguments.number is not None:
        print(msgspec.json.decode(answer, type=ConfigurationText).text, end="")
    else:
        found = msgspec.json.decode(answer, type=ConfigurationList)
        for each in reversed(found.configurations):
            mark = "*" if each.number == found.current else " "
            print(f"{mark} {render_configuration(each)}")
        if found.pending is not None:
            print(found.pending.description)
    return 0


def render_configuration(configuration: ConfigurationStatus) -> str:
    """Render a configuration in one line."""
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(configuration.at))
    actor = f" by {configuration.actor}" if configuration.actor else ""
    reason = f": {configuration.reason}" if configuration.reason else ""
    return (
        f"{configuration.number:4}  {at}  {configuration.sha256[:8]}  {configuration.how}"
        f"{actor}{reason}"
    )
