"""The values of the converted document, each with its place in the original file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from hadirector.config.document.document import Document, Position
from hadirector.config.document.errors import Fault
from hadirector.config.keepalived.syntax.statement import Place, Word

Scalar: TypeAlias = "str | int | float | bool"


class Node(msgspec.Struct, frozen=True):
    """A value of the converted document, with its place: scalar, mapping or sequence.

    The items of a mapping or sequence are nodes too. ``key`` is the place of the keyword of the
    value; ``place`` is the place of the value itself.
    """

    value: Scalar | dict[str, Node] | list[Node]
    place: Place
    key: Place


def scalar(value: Scalar, place: Place, key: Place | None = None) -> Node:
    """Make a node of one value. ``key`` is None if the value has no keyword."""
    return Node(value, place, key or place)


def text(word: Word, keyword: Word | None = None) -> Node:
    """Make a node of the text of a word."""
    return scalar(word.text, word.place, keyword.place if keyword else None)


def mapping(place: Place, entries: Mapping[str, Node | None]) -> Node:
    """Make a mapping of the entries that are not None."""
    present = {key: node for key, node in entries.items() if node is not None}
    return Node(present, place, place)


def sequence(place: Place, nodes: Iterable[Node]) -> Node:
    """Make a sequence of nodes."""
    return Node(list(nodes), place, place)


def plain(node: Node) -> Any:
    """Return the plain value of a node, as a YAML reader would."""
    match node.value:
        case dict():
            return {key: plain(each) for key, each in node.value.items()}
        case list():
            return [plain(each) for each in node.value]
        case _:
            return node.value


def to_document(node: Node, faults: Sequence[Fault]) -> Document:
    """Convert a node to a document, which the schema and the rules check like YAML."""
    return Document(node.place.file, plain(node), _position(node), list(faults))


def _position(node: Node) -> Position:
    place, key = node.place, node.key
    position = Position((place.line, place.column), (key.line, key.column), place.file)
    match node.value:
        case dict():
            position.children.update({name: _position(each) for name, each in node.value.items()})
        case list():
            position.children.update({at: _position(each) for at, each in enumerate(node.value)})
    return position
