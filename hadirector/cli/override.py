"""Set and end overrides: drain, undrain, disable, enable and weight."""

from __future__ import annotations

import argparse
import sys
from typing import Final
from urllib.parse import quote

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.cli import api_socket

WEIGHT_MAX: Final = 65535


class _Done(msgspec.Struct):
    """The part of an answer that is printed. The answer to a removal has no name."""

    description: str
    name: str = ""


class Drain:
    """The command ``hadirector drain``."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments of the command."""
        parser.description = (
            "Stop new connections to a real server. When its last connection has ended, or at the"
            " deadline, the real server is removed from the table."
        )
        _add_override_arguments(parser)
        parser.add_argument(
            "--deadline",
            type=duration_seconds,
            metavar="DURATION",
            help="remove the real server after this time even if connections remain"
            " (default: never)",
        )
        parser.add_argument(
            "--keep-clients",
            action=argparse.BooleanOptionalAction,
            help="whether persistent clients stay on the real server"
            " (default: the setting of the kernel)",
        )

    def run(self, arguments: argparse.Namespace) -> int:
        """Set the override. Return 1 when the director refuses it or does not answer."""
        return _set_override(
            arguments,
            "drain",
            deadline_in=arguments.deadline,
            keep_clients=arguments.keep_clients,
        )


class Disable:
    """The command ``hadirector disable``."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments of the command."""
        parser.description = "Remove a real server from the table at once, with its connections."
        _add_override_arguments(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        """Set the override. Return 1 when the director refuses it or does not answer."""
        return _set_override(arguments, "disable")


class Weight:
    """The command ``hadirector weight``."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments of the command."""
        parser.description = (
            "Give a real server another weight than the configured one. A real server that fails"
            " its check stays out of the pool."
        )
        _add_override_arguments(parser)
        parser.add_argument(
            "weight",
            type=_weight,
            metavar="N",
            help=f"0 to {WEIGHT_MAX}, or 'configured' to end the override",
        )

    def run(self, arguments: argparse.Namespace) -> int:
        """Set or end the override. Return 1 when the director refuses or does not answer."""
        if arguments.weight is None:
            return _remove_override(arguments, "weight")
        return _set_override(arguments, "weight", weight=arguments.weight)


class Removal:
    """The commands ``hadirector undrain`` and ``hadirector enable``, which end an override."""

    def __init__(self, action: str) -> None:
        self._action = action

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments of the command."""
        add_name(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        """End the override. Return 1 when there is no such override, or no director answers."""
        return _remove_override(arguments, self._action)


drain: Final = Drain()
undrain: Final = Removal("drain")
disable: Final = Disable()
enable: Final = Removal("disable")
weight: Final = Weight()


def add_name(parser: argparse.ArgumentParser) -> None:
    """Declare the argument that names a real server, and ``--socket``."""
    parser.add_argument(
        "name",
        metavar="VS/RS",
        help="virtual server and real server, such as web/192.0.2.45:80",
    )
    api_socket.add_argument(parser)


def duration_seconds(text: str) -> float:
    """Parse a duration such as 2h into seconds. Raises ArgumentTypeError."""
    from pydantic_core import PydanticCustomError

    from hadirector.config.keys.readers import duration

    try:
        return duration("1s", "8784h")(text)
    except PydanticCustomError as error:
        raise argparse.ArgumentTypeError(f"expected {error.message()}") from error


def _add_override_arguments(parser: argparse.ArgumentParser) -> None:
    add_name(parser)
    parser.add_argument(
        "--reason", default="", metavar="TEXT", help="shown by 'status', 'why' and 'events'"
    )
    parser.add_argument(
        "--for",
        dest="expires_in",
        type=duration_seconds,
        metavar="DURATION",
        help="end the override after this time, such as 2h (default: never)",
    )


def _weight(text: str) -> int | None:
    if text == "configured":
        return None
    if not text.isascii() or not text.isdecimal() or int(text) > WEIGHT_MAX:
        raise argparse.ArgumentTypeError(f"expected 0 to {WEIGHT_MAX} or 'configured'")
    return int(text)


def _set_override(arguments: argparse.Namespace, action: str, **options: object) -> int:
    body = {
        "action": action,
        "reason": arguments.reason,
        "expires_in": arguments.expires_in,
        **options,
    }
    return _send(arguments, "PUT", "", body)


def _remove_override(arguments: argparse.Namespace, action: str) -> int:
    return _send(arguments, "DELETE", f"?action={action}", None)


def _send(arguments: argparse.Namespace, method: str, query: str, body: object) -> int:
    virtual_server, _, real_server = arguments.name.partition("/")
    place = f"/v1/virtual-servers/{quote(virtual_server, '')}/real-servers/{quote(real_server, '')}"
    if not (virtual_server and real_server):
        print(f"hadirector: {arguments.name}: expected VS/RS", file=sys.stderr)
        return 2
    try:
        answer = request(arguments.socket, method, f"{place}/override{query}", body)
    except ApiError as error:
        print(f"hadirector: {error}", file=sys.stderr)
        return 1
    done = msgspec.json.decode(answer, type=_Done)
    print(f"{done.name}: {done.description}" if done.name else done.description)
    print("this applies to this director only; repeat the command on its peers")
    return 0
