"""Show the sections, or the lines, of the configuration that differ in a pair."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.cli import api_socket
from hadirector.pair.comparison import DifferenceKind
from hadirector.pair.report import PairDifference, PairDirector, PairReport

_LABEL: Final = re.compile(r"<secret [0-9a-f]+>")
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


class _Texts(msgspec.Struct):
    here: str
    there: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = (
        "Show the sections of the configuration that differ between this director and its peers."
        " Values that differ on purpose do not count: names, priorities, interfaces and addresses"
        " of the host. Secrets are not compared. Exit with 0 if the configurations are equal, with"
        " 1 if they differ, and with 2 if a peer does not answer or there is no pair link. With"
        " --text, show the lines that differ from the text of each peer. The texts of two hosts"
        " can also differ on purpose."
    )
    parser.add_argument("--text", action="store_true", help="show lines, without the secrets")
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
    if arguments.text:
        return _show_texts(arguments, report)
    peers = [_compare(each, report) for each in report.directors if not each.here]
    if arguments.json:
        print(msgspec.json.format(msgspec.json.encode(peers)).decode())
    else:
        print("\n".join(line for peer in peers for line in _lines(peer)))
    if not all(peer.known for peer in peers):
        return EXIT_UNKNOWN
    return EXIT_DIFFERENT if any(peer.sections for peer in peers) else EXIT_EQUAL


def _show_texts(arguments: argparse.Namespace, report: PairReport) -> int:
    """Print the lines that differ from each peer. Return 0 without any, 1 with some, 2 if unknown.

    Each director has labels of its own for its secrets, so one label takes their place.
    """
    [own] = [each.name for each in report.directors if each.here]
    found: dict[str, list[str] | None] = {}
    for peer in (each.name for each in report.directors if not each.here):
        try:
            path = f"/v1/pair/texts/{quote(peer, safe='')}"
            texts = msgspec.json.decode(request(arguments.socket, "GET", path), type=_Texts)
        except ApiError as error:
            print(f"hadirector: {error}", file=sys.stderr)
            found[peer] = None
            continue
        here, there = (_lines_of(text) for text in (texts.here, texts.there))
        found[peer] = [*difflib.unified_diff(here, there, own, peer, lineterm="")]
    if arguments.json:
        print(msgspec.json.format(msgspec.json.encode(found)).decode())
    else:
        print("".join(f"{line}\n" for lines in found.values() for line in lines or ()), end="")
    if None in found.values():
        return EXIT_UNKNOWN
    return EXIT_DIFFERENT if any(found.values()) else EXIT_EQUAL


def _lines_of(text: str) -> list[str]:
    """Return the lines of a text, printable and with one label for all secrets."""
    lines = _LABEL.sub("<secret>", text).split("\n")
    return ["".join(each if each.isprintable() else "?" for each in line) for line in lines]


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
