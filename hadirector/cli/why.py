"""Explain a real server, a virtual server, a VRRP instance, or the readiness of the director."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from urllib.parse import quote

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.cli import api_socket

_EXPECTED = (
    "expected VS/RS, VS, the word instance and the name of a VRRP instance, or the word readiness"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = (
        "Explain the weight of a real server: each step that leads to it, the result of its check,"
        " its override, and its latest events. Or explain a virtual server: who gets its clients,"
        " its quorum, and its real servers. Or explain the state of a VRRP instance: the numbers of"
        " its priority, its fault, and what would happen if the active director died now. Or"
        " explain whether the director could serve now; exit with 1 if it could not."
    )
    parser.add_argument(
        "name",
        nargs="+",
        metavar="NAME",
        help="VS/RS, a real server such as web/192.0.2.45:80; VS, a virtual server; instance NAME;"
        " or readiness",
    )
    api_socket.add_argument(parser)
    parser.add_argument("--json", action="store_true", help="print the explanation as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the explanation.

    Return 1 if there is no such object, if no director answers, or if the director is not ready.
    Return 2 if the arguments name no object.
    """
    try:
        match arguments.name:
            case ["readiness"]:
                return _explain_readiness(arguments)
            case [name]:
                kind = "real_server" if "/" in name else "virtual_server"
            case ["instance" as kind, name]:
                pass
            case _:
                given = " ".join(arguments.name)
                print(f"hadirector: {given}: {_EXPECTED}", file=sys.stderr)
                return 2
        answer = request(arguments.socket, "GET", _path(kind, name))
    except ApiError as error:
        print(f"hadirector: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(msgspec.json.format(answer).decode())
    else:
        print("\n".join(_render(kind, answer)))
    return 0


def _path(kind: str, name: str) -> str:
    if kind == "instance":
        return f"/v1/instances/{quote(name, '')}/why"
    virtual_server, _, real_server = name.partition("/")
    place = f"/v1/virtual-servers/{quote(virtual_server, '')}"
    if kind == "real_server":
        place += f"/real-servers/{quote(real_server, '')}"
    return f"{place}/why"


def _render(kind: str, answer: bytes) -> Iterable[str]:
    from hadirector.cli import why_text
    from hadirector.cli.terminal import paint_for
    from hadirector.status.explanation import (
        InstanceExplanation,
        RealServerExplanation,
        VirtualServerExplanation,
    )

    if kind == "instance":
        return why_text.render_instance(msgspec.json.decode(answer, type=InstanceExplanation))
    if kind == "virtual_server":
        explanation = msgspec.json.decode(answer, type=VirtualServerExplanation)
        return why_text.render_virtual_server(explanation, paint_for(sys.stdout))
    return why_text.render_explanation(msgspec.json.decode(answer, type=RealServerExplanation))


def _explain_readiness(arguments: argparse.Namespace) -> int:
    from hadirector.cli.why_text import render_readiness
    from hadirector.status.problems import judge_director
    from hadirector.status.readiness import decide_readiness
    from hadirector.status.report import Status

    status = msgspec.json.decode(request(arguments.socket, "GET", "/v1/status"), type=Status)
    problems = (status.verdict or judge_director(status)).problems
    readiness = decide_readiness(problems, status.pair_readiness)
    if arguments.json:
        print(msgspec.json.format(msgspec.json.encode(readiness)).decode())
    else:
        print("\n".join(render_readiness(readiness)))
    return 0 if readiness.ready else 1
