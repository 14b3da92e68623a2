"""Hand virtual addresses over to the peer director, and wait for the peer."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import quote

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.api.endpoint import Endpoint
from hadirector.cli import api_socket
from hadirector.cli.outcome import Outcome
from hadirector.cli.override import duration_seconds

READY: Final = "ready"
WAIT_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.1
_NAME_SECONDS: Final = 2.0
"""How long to wait for the name of the successor after this director has become BACKUP. The vrrp
process reports it once a second."""


class _Instance(msgspec.Struct):
    instance: str
    state: str
    active_router: str | None = None
    yielding: bool = False

    @property
    def successor(self) -> str | None:
        """The router that has taken over; None until this director is BACKUP and knows its name."""
        return self.active_router if self.state == "BACKUP" else None


class _Group(msgspec.Struct):
    name: str


class _Announcements(msgspec.Struct):
    groups: tuple[_Group, ...] = ()


class _Status(msgspec.Struct):
    """The part of the status that this command needs."""

    instances: tuple[_Instance, ...]
    announcements: _Announcements | None = None


class _Begun(msgspec.Struct):
    """The part of the answer to an order that this command needs."""

    instance: str
    standby: str | None = None


class _AllBegun(msgspec.Struct):
    handovers: tuple[_Begun, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = (
        "Hand the virtual addresses of VRRP instances over to the peer director, and wait until it"
        " has taken over. Or withdraw groups of announced addresses, so that other directors serve"
        " them. The instances stay BACKUP as long as a peer is active, until --undo."
        " Exit with 1 if no peer has taken over in time."
    )
    parser.add_argument(
        "instance",
        nargs="?",
        metavar="INSTANCE",
        help="VRRP instance or announced group (default: all)",
    )
    parser.add_argument(
        "--undo", action="store_true", help="let the instances take part in elections as before"
    )
    parser.add_argument(
        "--wait",
        type=duration_seconds,
        default=WAIT_SECONDS,
        metavar="DURATION",
        help=f"how long to wait for the peer (default: {WAIT_SECONDS:g}s)",
    )
    parser.add_argument("--reason", default="", metavar="TEXT", help="recorded with the handover")
    parser.add_argument(
        "--for",
        dest="expires_in",
        type=duration_seconds,
        metavar="DURATION",
        help="undo the handover after this time, such as 2h (default: never)",
    )
    parser.add_argument(
        "--anyway",
        action="store_true",
        help="hand over even if no peer is known to be ready (default: refuse, in a pair)",
    )
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    api_socket.add_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Hand over and wait for the successor, or undo a handover.

    Return 1 when the director refuses it or does not answer, and when no peer takes over in time.
    """
    outcome = Outcome(as_json=arguments.json)
    try:
        if arguments.undo:
            names = undo(arguments.socket, arguments.instance)
            outcome.add_line(f"{', '.join(names)}: handover undone")
        else:
            require = None if arguments.anyway else READY
            order = Order(arguments.reason, arguments.expires_in, require)
            handover = hand_over(arguments.socket, arguments.instance, arguments.wait, order)
            for line in handover.successes:
                outcome.add_line(line)
            for line in handover.failures:
                outcome.add_fault(line)
    except ApiError as error:
        outcome.add_fault(str(error))
    return outcome.finish()


class Handover(NamedTuple):
    """The result of a handover: lines for the operator, and the names of the changed instances."""

    successes: tuple[str, ...]
    failures: tuple[str, ...]
    changed: tuple[str, ...]


class Order(NamedTuple):
    """The reason of a handover, the seconds until it is undone, and the required standby."""

    reason: str = ""
    expires_in: float | None = None
    require: str | None = None


NO_REASON: Final = Order()


def hand_over(
    socket: Endpoint, instance: str | None, seconds: float, order: Order = NO_REASON
) -> Handover:
    """Hand an instance, or all, over to the peers, and wait for them. Raises ApiError."""
    status = _read_status(socket)
    before = {instance.instance: instance for instance in status.instances}
    groups = {group.name for group in status.announcements.groups} if status.announcements else ()
    handovers = _begin(socket, instance, order)
    names = [each.instance for each in handovers]
    held = [name for name in names if name in before and _is_active(before[name])]
    after = _wait(socket, held, seconds)
    successes, failures = [], []
    if held and any(each.standby == "unknown" for each in handovers):
        successes.append("without a pair link, it is not known whether the standby was ready")
    for name in names:
        found = after.get(name)
        if name in groups:
            successes.append(f"{name}: withdrawn; other directors serve its addresses")
        elif name not in held:
            successes.append(f"{name}: {_describe_other(found)}")
        elif found is not None and found.state == "BACKUP":
            successes.append(f"{name}: {found.successor or 'a peer'} has taken over")
        else:
            failures.append(f"{name}: {_describe_failure(seconds)}")
    changed = [name for name in names if name not in before or not before[name].yielding]
    return Handover(tuple(successes), tuple(failures), tuple(changed))


def undo(socket: Endpoint, instance: str | None) -> list[str]:
    """Undo the handover of an instance, or of all; return their names. Raises ApiError."""
    answer = request(socket, "DELETE", _path(instance))
    names: list[str] = msgspec.json.decode(answer)["instances"]
    return names


def _begin(socket: Endpoint, instance: str | None, order: Order) -> tuple[_Begun, ...]:
    body = {key: value for key, value in order._asdict().items() if value is not None}
    answer = request(socket, "PUT", _path(instance), body)
    if instance is not None:
        return (msgspec.json.decode(answer, type=_Begun),)
    return msgspec.json.decode(answer, type=_AllBegun).handovers


def _path(instance: str | None) -> str:
    return "/v1/handover" if instance is None else f"/v1/instances/{quote(instance, '')}/handover"


def _wait(socket: Endpoint, held: list[str], seconds: float) -> Mapping[str, _Instance]:
    """Wait until a peer has taken over the held instances, and return the last status.

    Raises ApiError.
    """
    end = time.monotonic() + seconds
    unnamed_since: float | None = None
    while True:
        now, instances = time.monotonic(), _instances(socket)
        active = [name for name in held if name in instances and _is_active(instances[name])]
        unnamed = [name for name in held if name in instances and not instances[name].successor]
        if not active and unnamed_since is None:
            unnamed_since = now
        is_named = not unnamed or (
            unnamed_since is not None and now > unnamed_since + _NAME_SECONDS
        )
        if (not active and is_named) or now > end:
            return instances
        time.sleep(_POLL_SECONDS)


def _is_active(instance: _Instance) -> bool:
    return instance.state == "ACTIVE"


def _instances(socket: Endpoint) -> dict[str, _Instance]:
    return {instance.instance: instance for instance in _read_status(socket).instances}


def _read_status(socket: Endpoint) -> _Status:
    return msgspec.json.decode(request(socket, "GET", "/v1/status"), type=_Status)


def _describe_other(instance: _Instance | None) -> str:
    if instance is None:
        return "the instance has not started yet, and will give way to any peer"
    active = instance.active_router or "no known router"
    return f"the instance was {instance.state} already; {active} is active"


def _describe_failure(seconds: float) -> str:
    return (
        f"no peer has taken over within {seconds:g} s; this director still holds the addresses, and"
        " hands them over as soon as a peer appears (`hadirector handover --undo` ends the"
        " handover)"
    )
