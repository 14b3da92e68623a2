"""Translates virtual routes and rules, in the syntax of ip-route(8) and ip-rule(8)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from hadirector.config.document.errors import quote
from hadirector.config.keepalived.node import Node, mapping, scalar, sequence
from hadirector.config.keepalived.syntax.statement import Statement, Word
from hadirector.config.keepalived.translate.block import Block
from hadirector.config.keepalived.translate.vrrp.values import whole

_ROUTE_KEYS: Final = {
    "via": "gateway",
    "gw": "gateway",
    "dev": "device",
    "oif": "device",
    "src": "source",
    "from": "source",
    "metric": "metric",
    "priority": "metric",
    "preference": "metric",
    "table": "table",
    "scope": "scope",
}
_RULE_KEYS: Final = {
    "from": "from",
    "to": "to",
    "iif": "input_device",
    "dev": "input_device",
    "oif": "output_device",
    "priority": "priority",
    "order": "priority",
    "preference": "priority",
    "table": "table",
    "lookup": "table",
    "fwmark": "fwmark",
}
_HOP_KEYS: Final = {"via": "gateway", "dev": "device", "weight": "weight"}
_NUMBERS: Final = frozenset({"metric", "priority", "weight"})
_DEVICES: Final = frozenset({"device", "input_device", "output_device"})
_TYPES: Final = frozenset({"blackhole", "unreachable", "prohibit"})
_TABLES: Final[dict[str, str | int]] = {
    "local": 255,
    "main": "main",
    "default": "default",
    "254": "main",
}
_EVERYTHING: Final = frozenset({"default", "all", "any"})
FIRST_RULE_PRIORITY: Final = 16384
"""The priority of the first rule without a priority in keepalived; it counts down."""


class Item(Struct, frozen=True):
    """A route or rule, and the devices that must exist for it.

    ``group`` is the track_group of a static item.
    """

    node: Node
    devices: list[Word]
    group: Word | None = None


def read_routes(found: Iterable[Statement], block: Block) -> list[Item]:
    """Read virtual routes."""
    return [item for line in found if (item := read_route(line, block)) is not None]


def read_rules(found: Iterable[Statement], block: Block, priorities: Iterator[int]) -> list[Item]:
    """Read virtual rules. ``priorities`` are given to rules without a priority."""
    return [item for line in found if (item := read_rule(line, block, priorities)) is not None]


def read_route(line: Statement, block: Block, *, static: bool = False) -> Item | None:
    """Read a route. A ``static`` route may have a track_group."""
    keys: dict[str, Node] = {}
    devices: list[Word] = []
    tracked = True
    line, group = _split_group(line) if static else (line, None)
    words = iter(line.words)
    for word in words:
        key = _ROUTE_KEYS.get(word.text)
        value = next(words, None) if key or word.text in ("to", "protocol") else None
        if key is not None and value is not None and value.text in ("inet", "inet6"):
            value = next(words, None)
        if key is not None and value is not None:
            _add(keys, key, word, value, block)
            devices += [value] if key in _DEVICES else []
        elif _add_flag(keys, word):
            continue
        elif word.text == "no_track":
            tracked = False
        elif word.text in ("or", "nexthop"):
            if not _read_next_hops(word, words, keys, block):
                return None
        elif word.text in ("prepend", "add") or (value and value.text == "keepalived"):
            continue
        elif "destination" not in keys and _is_prefix(value or word):
            destination = value or word
            text = "default" if destination.text in _EVERYTHING else destination.text
            keys["destination"] = scalar(text, destination.place)
        else:
            _refuse(word, "route", block)
            return None
    return Item(mapping(line.keyword.place, keys), devices if tracked else [], group)


def read_rule(
    line: Statement, block: Block, priorities: Iterator[int], *, static: bool = False
) -> Item | None:
    """Read a rule. A ``static`` rule may have a track_group."""
    keys: dict[str, Node] = {}
    devices: list[Word] = []
    tracked = True
    line, group = _split_group(line) if static else (line, None)
    words = iter(line.words)
    for word in words:
        if word.text == "type":
            continue
        key = _RULE_KEYS.get(word.text)
        value = next(words, None) if key or word.text == "protocol" else None
        if key == "fwmark" and value is not None:
            _add_mark(keys, value)
        elif key is not None and value is not None:
            if not (key in ("from", "to") and value.text in _EVERYTHING):
                _add(keys, key, word, value, block)
            devices += [value] if key in _DEVICES else []
        elif word.text in _TYPES:
            keys["type"] = scalar(word.text, word.place)
        elif word.text == "no_track":
            tracked = False
        elif value is not None and value.text == "keepalived":
            continue
        else:
            _refuse(word, "rule", block)
            return None
    if "priority" not in keys:
        priority = next(priorities)
        message = f"a rule without a priority gets priority {priority}, as in keepalived"
        block.note("rule priority", line.keyword.place, message)
        keys["priority"] = scalar(priority, line.keyword.place)
    return Item(mapping(line.keyword.place, keys), devices if tracked else [], group)


def _split_group(line: Statement) -> tuple[Statement, Word | None]:
    """Return the line without its track_group, and the name of the group."""
    words = line.words
    at = next((at for at, word in enumerate(words[:-1]) if word.text == "track_group"), None)
    if at is None:
        return line, None
    keyword, *arguments = (*words[:at], *words[at + 2 :]) or words
    return line._replace(keyword=keyword, arguments=tuple(arguments)), words[at + 1]


def _add_flag(keys: dict[str, Node], word: Word) -> bool:
    """Add the type of a route, or `on_link`; return False for another word."""
    if word.text == "onlink":
        keys["on_link"] = scalar(True, word.place)
    elif word.text in _TYPES or word.text == "unicast":
        keys["type"] = scalar(word.text, word.place)
    else:
        return False
    return True


def _read_next_hops(
    first: Word, words: Iterator[Word], keys: dict[str, Node], block: Block
) -> bool:
    """Read `or ADDRESS`, or every `nexthop ...` up to the end; return False after a fault."""
    hops: list[dict[str, Node]] = []
    if first.text == "or":
        other = next(words, None)
        if other is None or "gateway" not in keys or "nexthops" in keys:
            block.fault(first.place, "or: expected as via ADDRESS or ADDRESS, once")
            return False
        hops = [{"gateway": keys.pop("gateway")}, {"gateway": scalar(other.text, other.place)}]
        keys["nexthops"] = _hops_node(first, hops)
        return True
    hops.append({})
    for word in words:
        key = _HOP_KEYS.get(word.text)
        value = next(words, None) if key else None
        if key == "gateway" and value is not None and value.text in ("inet", "inet6"):
            value = next(words, None)
        if word.text == "nexthop":
            hops.append({})
        elif word.text == "onlink":
            hops[-1]["on_link"] = scalar(True, word.place)
        elif key is not None and value is not None:
            _add(hops[-1], key, word, value, block)
        else:
            _refuse(word, "route", block)
            return False
    if len(hops) == 1 and not {"gateway", "device", "on_link"} & keys.keys():
        # The kernel keeps a single next hop as the gateway of the route.
        keys.update({key: node for key, node in hops[0].items() if key != "weight"})
    else:
        keys["nexthops"] = _hops_node(first, hops)
    return True


def _hops_node(first: Word, hops: Iterable[dict[str, Node]]) -> Node:
    return sequence(first.place, [mapping(first.place, hop) for hop in hops])


def _is_prefix(word: Word) -> bool:
    return word.text in _EVERYTHING or word.text[:1].isdigit() or ":" in word.text


def _add(keys: dict[str, Node], key: str, word: Word, value: Word, block: Block) -> None:
    """Add a key with its value. A word in place of a number is left to the schema."""
    found: str | int = value.text
    if key == "table":
        number = whole(value)
        found = _TABLES.get(value.text, value.text if number is None else number)
        if isinstance(found, str) and found not in _TABLES:
            message = f"table {quote(found)}: write the number of the table"
            block.fault(value.place, message)
            return
    elif key in _NUMBERS:
        number = whole(value)
        found = value.text if number is None else number
    elif key == "source":
        found = value.text.partition("/")[0]
    keys[key] = scalar(found, value.place, word.place)


def _add_mark(keys: dict[str, Node], value: Word) -> None:
    for key, text in zip(("fwmark", "fwmask"), value.text.split("/", 1), strict=False):
        try:
            keys[key] = scalar(int(text, 0), value.place)
        except ValueError:
            keys[key] = scalar(text, value.place)


def _refuse(word: Word, kind: str, block: Block) -> None:
    shown = word.text or '""'
    message = (
        f"{shown}: a virtual {kind} does not support this word; add the {kind} by a notify"
        " script, or"
        " leave it out"
    )
    block.fault(word.place, message)
