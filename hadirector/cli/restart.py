"""Restart the running director while its vrrp process keeps running."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from typing import Final

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.cli import api_socket

PATIENCE_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.1


class _Process(msgspec.Struct):
    name: str
    pid: int | None
    version: str = ""


class _Processes(msgspec.Struct):
    """The part of the status that this command needs."""

    version: str
    processes: tuple[_Process, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = (
        "Restart the running director, for example after an upgrade. Its vrrp process keeps"
        " running, so the virtual addresses stay, and IPVS keeps forwarding. The command waits"
        f" up to {PATIENCE_SECONDS:g} s for the new director."
    )
    api_socket.add_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Restart and wait. Return 1 when the director refuses or does not come back in time."""
    try:
        before = _pid(_status(arguments.socket), "checks")
        request(arguments.socket, "POST", "/v1/restart")
    except ApiError as error:
        print(f"hadirector: {error}", file=sys.stderr)
        return 1
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        time.sleep(_POLL_SECONDS)
        try:
            status = _status(arguments.socket)
        except ApiError:
            continue
        if _pid(status, "checks") not in (None, before):
            print(f"restarted: version {status.version}")
            for line in _vrrp_notes(status):
                print(line)
            return 0
    print(
        f"hadirector: the director did not answer within {PATIENCE_SECONDS:g} s after the restart;"
        " see its log",
        file=sys.stderr,
    )
    return 1


def _status(socket: str) -> _Processes:
    """Return the processes of the director. Raises ApiError."""
    return msgspec.json.decode(request(socket, "GET", "/v1/status"), type=_Processes)


def _pid(status: _Processes, name: str) -> int | None:
    """Return the id of a process. A restart replaces the process "checks"."""
    return next(process.pid for process in status.processes if process.name == name)


def _vrrp_notes(status: _Processes) -> Iterator[str]:
    """Render that the vrrp process was not replaced, and how to replace it."""
    for process in status.processes:
        if process.name == "vrrp" and process.pid is not None:
            yield (
                f"the vrrp process {process.pid} was not replaced and still runs the program of"
                f" version {process.version or 'unknown'}"
            )
            yield "to replace it, stop and start the director, which hands the addresses over first"
