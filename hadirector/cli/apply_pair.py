"""Apply, confirm and roll back a configuration on both directors of a pair.

The command sends its requests to both directors with the identity of its operator. So each director
checks the role of the operator, and its history names the operator.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlencode

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.api.endpoint import Endpoint, EndpointError, Remote, check_remote
from hadirector.cli import plan

CONFIRM_SECONDS: Final = 120.0
"""The time for both changes without --confirm-within. Then both directors undo their change."""
READY_SECONDS_MAX: Final = 60.0
"""How long a director may take to be ready after its change."""
_POLL_SECONDS: Final = 0.2
_UNAVAILABLE: Final = 503


class _Configuration(msgspec.Struct):
    number: int
    sha256: str


class _InUse(msgspec.Struct):
    running: _Configuration | None


class _Applied(msgspec.Struct):
    number: int
    changed: str
    confirm_within: float | None = None


class _Instance(msgspec.Struct):
    state: str


class _Status(msgspec.Struct):
    name: str
    instances: tuple[_Instance, ...] = ()


class Member(NamedTuple):
    """A director of the pair: its name and endpoint, its role, and its current configuration."""

    name: str
    endpoint: Endpoint
    active: bool
    running: _Configuration


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare ``--pair`` and the arguments that name the peer."""
    pair = parser.add_argument_group("both directors of a pair")
    pair.add_argument(
        "--pair",
        metavar="PEER",
        help="do it on this director and on the peer with this API: a URL, https://HOST:PORT, or"
        " the path of a Unix socket, for example a socket that ssh forwards",
    )
    pair.add_argument("--peer-token-file", metavar="PATH", help="file with the token for the peer")
    pair.add_argument(
        "--peer-ca-file",
        metavar="PATH",
        help="file with the certificate authorities of the peer"
        " (default: the authorities of this host)",
    )


def peer_endpoint(arguments: argparse.Namespace) -> Endpoint:
    """Return the endpoint of the peer. Raises ApiError."""
    where: str = arguments.pair
    if "://" not in where:
        return where
    remote = Remote(where, arguments.peer_token_file, arguments.peer_ca_file)
    try:
        check_remote(remote)
    except EndpointError as error:
        raise ApiError(f"--pair {error}") from error
    return remote


def apply_to_pair(arguments: argparse.Namespace, file: Path, text: bytes) -> int:
    """Apply a text on the BACKUP director, and then on the other one. Raises ApiError.

    If one of them fails, both return to the former configuration.
    """
    members = [_read(arguments.socket), _read(peer_endpoint(arguments))]
    if not _show_plans(members, file, text):
        return 1
    members.sort(key=lambda member: member.active)
    seconds = arguments.confirm_within or CONFIRM_SECONDS
    deadline = time.monotonic() + seconds
    changed: list[Member] = []
    try:
        for member in members:
            left = deadline - time.monotonic()
            if _apply(member, text, arguments.reason, left):
                changed.append(member)
            _wait_until_ready(member, deadline)
        if arguments.confirm_within is None:
            _confirm(changed)
    except ApiError:
        _undo(changed)
        raise
    if arguments.confirm_within is not None:
        print(
            f"both directors undo it in {deadline - time.monotonic():.0f} s unless `hadirector"
            f" confirm --pair {arguments.pair}` follows"
        )
    return 0


def confirm_pair(arguments: argparse.Namespace) -> int:
    """Confirm on both directors. Raises ApiError."""
    members = [_read(arguments.socket), _read(peer_endpoint(arguments))]
    for member in members:
        number = msgspec.json.decode(_ask(member, "POST", "/v1/config/confirm"))["confirmed"]
        print(f"{member.name}: configuration {number} stays")
    return 0


def roll_back_pair(arguments: argparse.Namespace) -> int:
    """Undo the pending configuration on both directors. Raises ApiError for the first failure."""
    members = [_read(arguments.socket), _read(peer_endpoint(arguments))]
    failures = []
    for member in members:
        try:
            _ask(member, "POST", "/v1/config/rollback", {"reason": arguments.reason})
            print(f"{member.name}: undone")
        except ApiError as error:
            failures.append(error)
    if failures:
        raise failures[0]
    return 0


def _read(endpoint: Endpoint) -> Member:
    status = msgspec.json.decode(request(endpoint, "GET", "/v1/status"), type=_Status)
    in_use = msgspec.json.decode(request(endpoint, "GET", "/v1/config"), type=_InUse)
    if in_use.running is None:
        raise ApiError(f"{status.name} does not know its configuration: reload it first")
    active = any(instance.state == "ACTIVE" for instance in status.instances)
    return Member(status.name, endpoint, active, in_use.running)


def _show_plans(members: list[Member], file: Path, text: bytes) -> bool:
    """Print the plan of each director; return whether none of them refuses the text."""
    good = True
    for member in members:
        found = plan.request_plan(member.endpoint, file, text)
        print(f"{member.name}:")
        print("\n".join(f"  {line}" for line in plan.render(found)))
        for fault in found.refused:
            print(f"{member.name} refuses: {fault}", file=sys.stderr)
            good = False
    return good


def _apply(member: Member, text: bytes, reason: str, seconds: float) -> bool:
    """Apply the text on one director; return whether this has changed anything."""
    if seconds < 1:
        raise ApiError("the time for the confirmation is over")
    query = urlencode({"reason": reason, "confirm_within": f"{seconds:.1f}"})
    route = f"/v1/config/apply?{query}"
    answer = _ask(member, "POST", route, text, if_match=member.running.sha256)
    applied = msgspec.json.decode(answer, type=_Applied)
    print(f"{member.name}: configuration {applied.number} runs: {applied.changed}", flush=True)
    return applied.confirm_within is not None


def _wait_until_ready(member: Member, deadline: float) -> None:
    end = min(deadline, time.monotonic() + READY_SECONDS_MAX)
    while True:
        try:
            request(member.endpoint, "GET", "/readyz")
        except ApiError as error:
            if error.status != _UNAVAILABLE or time.monotonic() > end:
                raise ApiError(f"{member.name} is not ready after the change: {error}") from error
        else:
            return
        time.sleep(_POLL_SECONDS)


def _confirm(changed: list[Member]) -> None:
    """Confirm on each director. If one fails, a confirmed one returns to its former configuration.

    Raises ApiError. The caller undoes the unconfirmed changes.
    """
    confirmed: list[Member] = []
    try:
        for member in changed:
            _ask(member, "POST", "/v1/config/confirm")
            confirmed.append(member)
    except ApiError:
        for member in confirmed:
            changed.remove(member)
            body = {"number": member.running.number, "reason": "the peer was not confirmed"}
            with contextlib.suppress(ApiError):
                _ask(member, "POST", "/v1/config/rollback", body)
        raise


def _undo(changed: list[Member]) -> None:
    """Undo the pending change of each director.

    A director that does not answer undoes it at the deadline.
    """
    for member in changed:
        try:
            _ask(member, "POST", "/v1/config/rollback", {"reason": "the peer failed"})
            print(f"{member.name}: undone", file=sys.stderr)
        except ApiError as error:
            print(f"{error}; it undoes the change at its deadline", file=sys.stderr)


def _ask(
    member: Member,
    method: str,
    route: str,
    body: object = None,
    *,
    if_match: str | None = None,
) -> bytes:
    """Send a request to a director. The message of an ApiError names the director."""
    try:
        return request(member.endpoint, method, route, body, if_match=if_match)
    except ApiError as error:
        raise ApiError(f"{member.name}: {error}", error.status) from error
