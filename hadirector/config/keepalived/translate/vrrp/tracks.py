"""Translates the objects that an instance or a sync group tracks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from hadirector.config.keepalived.node import Node, mapping, scalar
from hadirector.config.keepalived.syntax.statement import Place, Statement, Word
from hadirector.config.keepalived.translate.block import Block
from hadirector.config.keepalived.translate.vrrp.tracked import (
    Definition,
    Definitions,
    Weight,
    read_weight,
)
from hadirector.config.keepalived.translate.vrrp.values import lines

LISTS: Final = ("track_interface", "track_script", "track_file", "track_process")


class Track(Struct, frozen=True):
    """A tracked object with its keys, and whether it has a file's default weight."""

    kind: str
    name: str
    keys: Mapping[str, Node]
    weight: Weight | None
    place: Place
    has_default_weight: bool = False

    @property
    def is_weighted(self) -> bool:
        """Whether the object changes the priority."""
        return self.weight is not None and self.weight.value != 0


def read_tracks(block: Block, definitions: Definitions) -> list[Track]:
    """Read the lists of tracked objects in a block."""
    found: dict[tuple[str, str], Track] = {}
    for kind in LISTS:
        for line in lines(block, kind):
            key = (kind, line.keyword.text)
            track = _read(kind, line, block, definitions)
            if track is None:
                continue
            if key in found:
                message = (
                    f"{kind}: {key[1]} is in the list already; only the first line has an effect"
                )
                block.note("tracked twice", line.keyword.place, message)
            else:
                found[key] = track
    return list(found.values())


def _read(kind: str, line: Statement, block: Block, definitions: Definitions) -> Track | None:
    word, words = line.keyword, line.arguments
    if words and (words[0].text != "weight" or len(words) == 1):
        problem = "has no number" if words[0].text == "weight" else "is unknown"
        message = (
            f"{kind}: {word.text} is not tracked, as in keepalived: the word {words[0].text}"
            f" {problem}"
        )
        block.note("not tracked", word.place, message)
        return None
    weight = read_weight(words[1:], block, ("reverse", "noreverse")) if words else None
    if weight is not None and weight.reverse and not weight.value:
        message = f"{kind}: {word.text}: reverse needs a weight (write a weight or a script)"
        block.fault(weight.place, message)
    if kind == "track_interface":
        return Track(kind, word.text, {"interface": _node(word)}, weight, word.place)
    if (kind, word.text) not in definitions:
        message = f"{kind}: {word.text} is not defined, and is not tracked, as in keepalived"
        block.note("not defined", word.place, message)
        return None
    definition = definitions[kind, word.text]
    if definition is None:
        return None
    _note_order(kind, word, definition, block)
    return Track(
        kind,
        word.text,
        definition.keys,
        weight or definition.weight,
        word.place,
        has_default_weight=weight is None and definition.weight_is_default,
    )


def _node(word: Word) -> Node:
    return scalar(word.text, word.place)


def _note_order(kind: str, word: Word, definition: Definition, block: Block) -> None:
    """Note a definition below the list: keepalived reads the file once, from top to bottom."""
    if (definition.place.file, definition.place.line) > (word.place.file, word.place.line):
        message = (
            f"{kind}: {word.text} is tracked; keepalived does not find the definition, because"
            " it is below this line"
        )
        block.note("order", word.place, message)


def add_devices(tracks: list[Track], devices: Iterable[Word], block: Block) -> list[Track]:
    """Add the interfaces of addresses and routes as tracked interfaces.

    As in keepalived, the instance has a fault while such an interface is missing.
    """
    found = list(tracks)
    for word in devices:
        track = Track("track_interface", word.text, {"interface": _node(word)}, None, word.place)
        index = next((at for at, each in enumerate(found) if _same(each, track)), None)
        if index is None:
            found.append(track)
        elif found[index].is_weighted:
            message = (
                f"{word.text}: an address or a route uses this interface, so its weight has no"
                " effect"
            )
            block.note("void weight", found[index].place, message)
            found[index] = replace(found[index], weight=None)
    return found


def _same(first: Track, second: Track) -> bool:
    return (first.kind, first.name) == (second.kind, second.name)


def void_weights(tracks: Iterable[Track], reason: str, block: Block, *, owner: bool) -> list[Track]:
    """Return the tracked objects, without weights that have no effect in keepalived."""
    kept: list[Track] = []
    for track in tracks:
        if not track.is_weighted or track.kind == "track_process":
            kept.append(track)
            continue
        without_weight = track.has_default_weight or (track.kind == "track_interface" and not owner)
        left_out = "its weight has no effect" if without_weight else "it is not tracked"
        message = f"{track.kind}: {track.name}: {left_out}, as in keepalived, because of {reason}"
        block.note("void weight", track.place, message)
        if without_weight:
            kept.append(replace(track, weight=None))
    return kept


def track_node(track: Track) -> Node:
    """Make the node of a tracked object."""
    keys = dict(track.keys)
    weight = track.weight
    if weight is not None and weight.value:
        is_file = track.kind == "track_file"
        value = -weight.value if weight.reverse else weight.value
        keys["weight"] = scalar(value, weight.place)
        if weight.reverse and not is_file:
            # A reversed weight counts in the other state, with the other sign.
            keys["weight_when"] = scalar("down" if value > 0 else "up", weight.place)
    return mapping(track.place, keys)
