"""Show the sections of the configuration that differ between the directors of a pair."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.cli import api_socket
from hadirector.pair.comparison import DifferenceKind
from hadirector.pair.report import PairDifference, PairDirector, PairReport

EXIT_EQUAL = 0
EXIT_DIFFERENT = 1
EXIT_UNKNOWN = 2


class PeerDifferences(msgspec.Struct, frozen=True):
    """The sections that differ from a peer, with the hashes on both directors.

    They are not known, for the ``reason``, if the peer does not answer over the link.
    """

    peer: str
    known: bool
    reason: str
    sections: tuple[PairDifference, ...] = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = (
        "Show the sections of the configuration that differ between this director and its peers."
        " Values that differ on purpose do not count: names, priorities, interfaces and addresses"
        " of the host. Secrets are not compared. Exit with 0 if the configurations are equal, with"
        " 1 if they differ, and with 2 if a peer does not answer or there is no pair link."
    )
    api_socket.add_argument(parser)
    parser.add_argument("--json", action="store_true", help="print the differences as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the differences. Return 0 without any, 1 with some, 2 if they are not known."""
    try:
        answer = request(arguments.socket, "GET", "/v1/pair")
    except ApiError as error:
        print(f"hadirector: {error}", file=sys.stderr)
        return EXIT_UNKNOWN
    report = msgspec.json.decode(answer, type=PairReport)
    peers = [_compare(each, report) for each in report.directors if not each.here]
    if arguments.json:
        print(msgspec.json.format(msgspec.json.encode(peers)).decode())
    else:
        print("\n".join(line for peer in peers for line in _lines(peer)))
    if not all(peer.known for peer in peers):
        return EXIT_UNKNOWN
    return EXIT_DIFFERENT if any(peer.sections for peer in peers) else EXIT_EQUAL


def _compare(peer: PairDirector, report: PairReport) -> PeerDifferences:
    sections = tuple(
        each
        for each in report.differences
        if (each.peer, each.kind) == (peer.name, DifferenceKind.CONFIGURATION)
    )
    return PeerDifferences(peer.name, peer.current, peer.reason, sections)


def _lines(peer: PeerDifferences) -> Iterator[str]:
    if not peer.known:
        yield f"{peer.peer}: not known: {peer.reason}"
        return
    count = len(peer.sections)
    verb = "section differs" if count == 1 else "sections differ"
    text = f"{count} {verb}" if count else "the same configuration"
    yield f"{peer.peer}: {text}"
    for section in peer.sections:
        yield f"  {section.object}: {section.here} here, {section.there} on {peer.peer}"
