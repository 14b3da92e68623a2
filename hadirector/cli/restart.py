"""Restart the running director while its vrrp process keeps running."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from typing import Final

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.api.endpoint import Endpoint
from hadirector.cli import api_socket, handover
from hadirector.cli.outcome import Outcome

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
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    api_socket.add_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Restart and wait.

    Return 1 when the director refuses or does not come back in time, and when no peer takes over.
    """
    outcome = Outcome(as_json=arguments.json)
    try:
        if arguments.vrrp:
            _replace_all(arguments.socket, outcome)
        else:
            _restart(arguments.socket, outcome)
    except ApiError as error:
        outcome.add_fault(str(error))
    return outcome.finish()


def _replace_all(socket: Endpoint, outcome: Outcome) -> None:
    """Restart the director with its vrrp process, while a peer serves. Raises ApiError."""
    given = handover.hand_over(socket, None, handover.WAIT_SECONDS)
    for line in given.successes:
        outcome.add_line(line)
    try:
        if given.failures:
            outcome.add_fault("no peer has taken over, so nothing was restarted")
        else:
            _restart(socket, outcome, replace_vrrp=True)
    finally:
        for name in given.changed:
            handover.undo(socket, name)


def _restart(socket: Endpoint, outcome: Outcome, *, replace_vrrp: bool = False) -> None:
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
            outcome.add_line(f"restarted: version {status.version}")
            for line in () if replace_vrrp else _vrrp_notes(status):
                outcome.add_line(line)
            return
    outcome.add_fault(
        f"the director did not answer within {PATIENCE_SECONDS:g} s after the restart; see its log"
    )


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
