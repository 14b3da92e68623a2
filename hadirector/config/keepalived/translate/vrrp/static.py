"""Translates static addresses, routes and rules, which the operator has accepted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from typing import Final

from msgspec import Struct

from hadirector.config.keepalived.keywords.parts import TRACK_GROUP
from hadirector.config.keepalived.node import Node, mapping, scalar, sequence
from hadirector.config.keepalived.options import Options
from hadirector.config.keepalived.report import Report
from hadirector.config.keepalived.syntax.statement import Statement, Word
from hadirector.config.keepalived.translate.block import Block, name, read_block
from hadirector.config.keepalived.translate.vrrp.addresses import read_address
from hadirector.config.keepalived.translate.vrrp.defaults import Globals
from hadirector.config.keepalived.translate.vrrp.routes import (
    FIRST_RULE_PRIORITY,
    read_route,
    read_rule,
)

_DEFAULT_INTERFACE: Final = "eth0"
_READERS: Final = {
    "static_ipaddress": "addresses",
    "static_routes": "routes",
    "static_rules": "rules",
}


class StaticItem(Struct, frozen=True):
    """A static item, and the devices that the instances of its track_group depend on."""

    node: Node
    devices: list[Word]
    group: Word | None


class Static(Struct, frozen=True):
    """The static items of a file.

    ``devices`` are the devices that an instance tracks because of them, by the name of the
    instance. ``priorities`` are the priorities of further rules without a priority, by IP version.
    """

    node: Node | None
    devices: Mapping[str, list[Word]]
    priorities: Mapping[int, Iterator[int]]


def read_static(globals_: Globals, report: Report, options: Options) -> Static:
    """Read the static items of a file."""
    priorities = {family: count(FIRST_RULE_PRIORITY, -1) for family in (4, 6)}
    found: dict[str, list[StaticItem]] = {key: [] for key in _READERS.values()}
    for each in globals_.find(*_READERS):
        keyword = each.statement.keyword
        block = Block((), keyword.text, report)
        for line in each.statement.block or ():
            item = _read(keyword.text, line, block, priorities, each.defaults.interface)
            if item is not None:
                found[_READERS[keyword.text]].append(item)
    groups = _read_groups(globals_, report, options)
    devices: dict[str, list[Word]] = {}
    for item in (item for items in found.values() for item in items):
        for instance in _tracking(item, groups, report):
            devices.setdefault(instance, []).extend(item.devices)
    lists = {key: _sequence(items) for key, items in found.items()}
    nodes = [node for node in lists.values() if node is not None]
    return Static(mapping(nodes[0].place, lists) if nodes else None, devices, priorities)


def _read(
    keyword: str,
    line: Statement,
    block: Block,
    priorities: Mapping[int, Iterator[int]],
    interface: Word | None,
) -> StaticItem | None:
    if keyword == "static_ipaddress":
        return _read_address(line, block, interface)
    if keyword == "static_routes":
        item = read_route(line, block, static=True)
    else:
        family = 6 if any(":" in word.text for word in line.words) else 4
        item = read_rule(line, block, priorities[family], static=True)
    return None if item is None else StaticItem(item.node, item.devices, item.group)


def _read_address(line: Statement, block: Block, interface: Word | None) -> StaticItem:
    address = read_address(line, block, static=True)
    device = address.device or interface or Word(_DEFAULT_INTERFACE, line.keyword.place)
    if not address.tracked:
        message = f"{address.text}: no_track has no effect: hadirector restores a removed address"
        block.note("no_track", line.keyword.place, message)
    keys = {"device": scalar(device.text, device.place), **address.keys}
    node = mapping(line.keyword.place, {"address": keys.pop("address"), **keys})
    return StaticItem(node, [device] if address.tracked else [], address.group)


def _read_groups(globals_: Globals, report: Report, options: Options) -> dict[str, list[str]]:
    """Return the names of the instances of each track_group."""
    found: dict[str, list[str]] = {}
    for each in globals_.find("track_group"):
        statement = each.statement
        block = read_block(statement, TRACK_GROUP, name(statement.words), report, options)
        group = block.last("group")
        lines = (group.block or ()) if group is not None else ()
        title = statement.arguments[0].text
        found.setdefault(title, [word.text for line in lines for word in line.words])
    return found


def _tracking(item: StaticItem, groups: Mapping[str, list[str]], report: Report) -> Iterable[str]:
    """Return the names of the instances that depend on the devices of an item."""
    if item.group is None:
        return ()
    title, place = item.group
    if title not in groups:
        message = f"track_group {title} is left out, as in keepalived: there is no such group"
    elif not item.devices:
        message = f"track_group {title} is left out, as in keepalived: it needs dev, not no_track"
    else:
        return groups[title]
    report.note("track_group", place, message)
    return ()


def _sequence(items: list[StaticItem]) -> Node | None:
    return sequence(items[0].node.place, [item.node for item in items]) if items else None
