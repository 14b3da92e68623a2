"""Make a running director read its configuration file again."""

from __future__ import annotations

import argparse
import sys

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.cli import api_socket


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    api_socket.add_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Reload. Returns 1 when the new configuration is refused; the old one then stays."""
    try:
        answer = request(arguments.socket, "POST", "/v1/reload")
    except ApiError as error:
        print(f"hadirector: {error}", file=sys.stderr)
        return 1
    print(msgspec.json.decode(answer)["changed"])
    return 0
