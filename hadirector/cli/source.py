"""Show the discovery sources, and take a list that is smaller than expected."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from urllib.parse import quote

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.cli import api_socket
from hadirector.sources.status import DocumentStatus, SourceStatus

ROUTE = "/v1/sources"


class _State(msgspec.Struct):
    sources: tuple[SourceStatus, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = (
        "Show the discovery sources, with the members that the pools have accepted. `accept` takes"
        " the current list of a source although it is smaller than admission.minimum allows; the"
        " pace still applies."
    )
    parser.add_argument("action", nargs="?", choices=("list", "accept"), default="list")
    parser.add_argument("source", nargs="?", metavar="SOURCE", help="the source to accept")
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")
    api_socket.add_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command. Return 1 if a list is not taken or refused, or if no director answers."""
    if (arguments.action == "accept") is (arguments.source is None):
        expected = "accept needs" if arguments.action == "accept" else "list takes no"
        print(f"hadirector: {expected} SOURCE", file=sys.stderr)
        return 2
    try:
        if arguments.action == "accept":
            path = f"{ROUTE}/{quote(arguments.source, safe='')}/accept"
            answer = request(arguments.socket, "POST", path)
            if not arguments.json:
                print(f"the pools take the current list of {arguments.source}, at their pace")
                return 0
        else:
            answer = request(arguments.socket, "GET", ROUTE)
    except ApiError as error:
        print(f"hadirector: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(answer.decode())
        return 0
    sources = msgspec.json.decode(answer, type=_State).sources
    print("\n".join(_lines(sources)) or "no sources: the configuration has none")
    return int(any(_is_wrong(source) for source in sources))


def _lines(sources: tuple[SourceStatus, ...]) -> Iterator[str]:
    for source in sources:
        noun = "overrides" if source.document else "members"
        found = "not read yet" if source.members is None else f"{source.members} {noun}"
        yield f"{source.name} ({source.type} {source.location}): {found}"
        if source.failing_for is not None:
            yield f"  failing for {source.failing_for:.0f} s: {source.failure}"
        if source.document is not None:
            yield from _document_lines(source.document)
        for pool in source.pools:
            counts = f"{pool.present} present, {pool.absent} absent"
            yield f"  {pool.virtual_server}: {counts}"
            if pool.refusal:
                yield f"    not taken: {pool.refusal}"
            for waiting in pool.waiting:
                yield f"    waiting: {waiting}"


def _document_lines(document: DocumentStatus) -> Iterator[str]:
    if document.revision is not None:
        released = f", {document.released} released here" if document.released else ""
        yield f"  revision {document.revision}: {document.overrides} overrides{released}"
    if document.refusal:
        yield f"    not taken: {document.refusal}"


def _is_wrong(source: SourceStatus) -> bool:
    refused = source.document is not None and bool(source.document.refusal)
    return refused or source.failing_for is not None or any(pool.refusal for pool in source.pools)
