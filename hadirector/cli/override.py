"""What the commands share that order something for one real server."""

from __future__ import annotations

import argparse
import os
import pwd
import sys

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.cli import api_socket


def add_name(parser: argparse.ArgumentParser) -> None:
    """Declare the real server meant, and ``--socket``."""
    parser.add_argument(
        "name",
        metavar="VS/RS",
        help="virtual server and real server, such as web/192.0.2.45:80",
    )
    api_socket.add_argument(parser)


def add_order(parser: argparse.ArgumentParser) -> None:
    """Declare what every order may say."""
    add_name(parser)
    parser.add_argument("--reason", default="", metavar="TEXT", help="shown wherever it shows")
    parser.add_argument(
        "--for",
        dest="expires_in",
        type=seconds,
        metavar="DURATION",
        help="lift the order by itself after this time, such as 2h (default: never)",
    )


def seconds(text: str) -> float:
    """Read a duration."""
    from pydantic_core import PydanticCustomError

    from hadirector.config.keys.values import duration

    try:
        return duration("1s", "8784h")(text)
    except PydanticCustomError as error:
        raise argparse.ArgumentTypeError(f"expected {error.message()}") from error


def author() -> str:
    """Name who gives the order: the person behind sudo, or whom this process runs as."""
    if name := os.environ.get("SUDO_USER"):
        return name
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def post(arguments: argparse.Namespace, route: str, body: dict[str, object]) -> int:
    """Send it and print what became of it. Returns 1 when the director refuses or is not there."""
    try:
        answer = request(arguments.socket, "POST", route, body)
    except ApiError as error:
        print(f"hadirector: {error}", file=sys.stderr)
        return 1
    print(msgspec.json.decode(answer)["done"])
    return 0


def order(arguments: argparse.Namespace, action: str, **rest: object) -> int:
    """Give an order; see ``post``."""
    body = {
        "name": arguments.name,
        "action": action,
        "author": author(),
        "reason": arguments.reason,
        "expires_in": arguments.expires_in,
        **rest,
    }
    return post(arguments, "/v1/override", body)


def lift(arguments: argparse.Namespace, action: str) -> int:
    """OverrideRemoval an order; see ``post``."""
    body: dict[str, object] = {"name": arguments.name, "action": action}
    return post(arguments, "/v1/override/lift", body)
