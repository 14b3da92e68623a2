"""Make a running director start anew in its place, while its vrrp process goes on."""

from __future__ import annotations

import argparse
import sys
import time

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.cli import api_socket
from hadirector.status.report import Status

PATIENCE_SECONDS = 30.0
_POLL_SECONDS = 0.1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    api_socket.add_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Restart, and wait for the new director. Returns 1 when it is refused or does not come up."""
    try:
        before = _checks_process(arguments.socket)
        request(arguments.socket, "POST", "/v1/restart")
    except ApiError as error:
        print(f"hadirector: {error}", file=sys.stderr)
        return 1
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        time.sleep(_POLL_SECONDS)
        try:
            now = _checks_process(arguments.socket)
        except ApiError:
            continue
        if now not in (None, before):
            print("restarted")
            return 0
    print(f"hadirector: not back after {PATIENCE_SECONDS:g} s; see its log", file=sys.stderr)
    return 1


def _checks_process(socket: str) -> int | None:
    """The id of the process that no director leaves to the next. Raises ApiError."""
    status = msgspec.json.decode(request(socket, "GET", "/v1/status"), type=Status)
    return next(each.pid for each in status.processes if each.name == "checks")
