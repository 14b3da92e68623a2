"""Restart the running director while its vrrp process keeps running."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from typing import Final

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.api.endpoint import Endpoint
from hadirector.cli import api_socket, handover

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
    parser.add_argument(
        "--vrrp",
        action="store_true",
        help="replace the vrrp process as well: hand the addresses over to the peer first, and undo"
        " the handover afterwards; without a peer that takes over, restart nothing",
    )
    api_socket.add_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Restart and wait.

    Return 1 when the director refuses or does not come back in time, and when no peer takes over.
    """
    try:
        return _replace_all(arguments.socket) if arguments.vrrp else _restart(arguments.socket)
    except ApiError as error:
        print(f"hadirector: {error}", file=sys.stderr)
        return 1


def _replace_all(socket: Endpoint) -> int:
    """Restart the director with its vrrp process, while a peer serves. Raises ApiError."""
    given = handover.hand_over(socket, None, handover.WAIT_SECONDS)
    for line in given.successes:
        print(line)
    try:
        if given.failures:
            reason = "no peer has taken over, so nothing was restarted"
            print(f"hadirector: {reason}", file=sys.stderr)
            return 1
        return _restart(socket, replace_vrrp=True)
    finally:
        for name in given.changed:
            handover.undo(socket, name)


def _restart(socket: Endpoint, *, replace_vrrp: bool = False) -> int:
    """Restart the director and wait for the next one. Raises ApiError."""
    before = _pid(_status(socket), "checks")
    request(socket, "POST", "/v1/restart?vrrp=replace" if replace_vrrp else "/v1/restart")
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        time.sleep(_POLL_SECONDS)
        try:
            status = _status(socket)
        except ApiError:
            continue
        if _pid(status, "checks") not in (None, before):
            print(f"restarted: version {status.version}")
            for line in () if replace_vrrp else _vrrp_notes(status):
                print(line)
            return 0
    print(
        f"hadirector: the director did not answer within {PATIENCE_SECONDS:g} s after the restart;"
        " see its log",
        file=sys.stderr,
    )
    return 1


def _status(socket: Endpoint) -> _Processes:
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
            yield "to replace it too, use --vrrp, which hands the addresses over first"
