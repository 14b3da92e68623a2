"""Translates VRRP instances."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hadirector.config.keepalived.keywords.vrrp_instance import VRRP_INSTANCE
from hadirector.config.keepalived.node import Node, mapping, scalar, sequence, text
from hadirector.config.keepalived.options import Options
from hadirector.config.keepalived.report import Report
from hadirector.config.keepalived.syntax.statement import Word
from hadirector.config.keepalived.translate.block import name, read_block
from hadirector.config.keepalived.translate.vrrp.addresses import (
    Addresses,
    address_keys,
    read_addresses,
)
from hadirector.config.keepalived.translate.vrrp.authentication import authentication_keys
from hadirector.config.keepalived.translate.vrrp.defaults import Globals
from hadirector.config.keepalived.translate.vrrp.delays import InterfaceDelays
from hadirector.config.keepalived.translate.vrrp.election import election_keys
from hadirector.config.keepalived.translate.vrrp.facts import Facts, read_facts
from hadirector.config.keepalived.translate.vrrp.groups import Group
from hadirector.config.keepalived.translate.vrrp.names import native_name
from hadirector.config.keepalived.translate.vrrp.notify import read_notify
from hadirector.config.keepalived.translate.vrrp.routes import (
    Item,
    read_routes,
    read_rules,
)
from hadirector.config.keepalived.translate.vrrp.static import Static
from hadirector.config.keepalived.translate.vrrp.tracked import Definitions
from hadirector.config.keepalived.translate.vrrp.tracks import (
    Track,
    add_devices,
    read_tracks,
    track_node,
    void_weights,
)
from hadirector.config.keepalived.translate.vrrp.transport import transport_keys
from hadirector.config.keepalived.translate.vrrp.values import lines


def read_instances(globals_: Globals, report: Report, options: Options) -> list[Facts]:
    """Read the instances of a file. If two have the same name, the first one applies."""
    found: dict[str, Facts] = {}
    for each in globals_.find("vrrp_instance"):
        statement = each.statement
        where = name(statement.words)
        title = statement.arguments[0].text
        if title in found:
            message = (
                "another instance has this name already: this instance is left out, as in"
                " keepalived"
            )
            report.note("second name", statement.keyword.place, f"{where}: {message}")
            continue
        block = read_block(statement, VRRP_INSTANCE, where, report, options)
        found[title] = read_facts(each, block, title, globals_.defaults, options)
    return list(found.values())


def instance_nodes(
    instances: Sequence[Facts],
    groups: Sequence[Group],
    definitions: Definitions,
    delays: InterfaceDelays,
    static: Static,
) -> list[Node]:
    """Make the nodes of the instances."""
    group_of = {word.text: group for group in groups for word in group.members}
    return [
        _node(facts, group_of.get(facts.name), definitions, delays, static) for facts in instances
    ]


def _node(
    facts: Facts,
    group: Group | None,
    definitions: Definitions,
    delays: InterfaceDelays,
    static: Static,
) -> Node:
    block = facts.block
    _check_strict(facts)
    addresses = read_addresses(facts)
    routes = read_routes(lines(block, "virtual_routes"), block)
    rules = read_rules(lines(block, "virtual_rules"), block, static.priorities[facts.family])
    devices = [*_devices(facts, addresses, [*routes, *rules])]
    devices += [word for word in static.devices.get(facts.name, ()) if not _is_own(word, facts)]
    tracks = _tracks(facts, group, definitions, devices)
    notify = read_notify(block, facts.here, facts.options)
    if group is not None and len(group.members) == 1 and notify is None:
        notify = group.notify
    keys: dict[str, Node | None] = {
        "name": native_name(facts.statement.arguments[0], block),
        "interface": _interface(facts),
        **election_keys(facts),
        **transport_keys(facts),
        **authentication_keys(facts),
        **address_keys(facts, addresses),
        "virtual_routes": _items(routes),
        "virtual_rules": _items(rules),
        "ignore_carrier": _ignore_carrier(facts),
        "flap_delay": delays.of_instance(facts),
        "track": sequence(facts.place, [delays.add(track_node(track), block) for track in tracks])
        if tracks
        else None,
        "notify": notify,
    }
    return mapping(facts.place, keys)


def _interface(facts: Facts) -> Node | None:
    found = facts.block.last("interface")
    if found is not None:
        return text(found.arguments[0], found.keyword)
    if facts.has_peers:
        message = "interface is missing: write the interface that has the address unicast_src_ip"
        facts.block.fault(facts.place, message)
    return None


def _items(items: Sequence[Item]) -> Node | None:
    return sequence(items[0].node.place, [item.node for item in items]) if items else None


def _ignore_carrier(facts: Facts) -> Node | None:
    """Return whether the instance ignores its own interface, unless the interface has a weight."""
    found = facts.block.last("dont_track_primary")
    own = [line for line in lines(facts.block, "track_interface") if _is_own(line.keyword, facts)]
    if found is None or own:
        return None
    return scalar(True, found.keyword.place)


def _is_own(word: Word, facts: Facts) -> bool:
    return word.text == facts.interface


def _devices(facts: Facts, addresses: Addresses, items: Sequence[Item]) -> Iterator[Word]:
    """Yield the other interfaces that keepalived needs for addresses, routes and rules."""
    found = [each.device for each in addresses.all if each.device is not None and each.tracked]
    for word in (*found, *(word for item in items for word in item.devices)):
        if not _is_own(word, facts):
            yield word


def _tracks(
    facts: Facts, group: Group | None, definitions: Definitions, devices: Sequence[Word]
) -> list[Track]:
    block = facts.block
    tracks = read_tracks(block, definitions)
    if facts.is_owner:
        tracks = void_weights(tracks, "priority 255", block, owner=True)
    elif group is not None and not group.counts_weights:
        reason = f"the sync group {group.name.value} without sync_group_tracking_weight"
        tracks = void_weights(tracks, reason, block, owner=False)
    if group is not None and group.members[0].text == facts.name:
        # All members of a group track what a member tracks.
        known = {(track.kind, track.name) for track in tracks}
        tracks += [track for track in group.tracks if (track.kind, track.name) not in known]
    return add_devices(_without_own(tracks, facts), devices, block)


def _without_own(tracks: Sequence[Track], facts: Facts) -> list[Track]:
    """Leave out the own interface: it counts only with dont_track_primary, and then by weight."""
    kept: list[Track] = []
    has_weight = facts.block.last("dont_track_primary") is not None
    for track in tracks:
        is_own = track.kind == "track_interface" and track.name == facts.interface
        if not is_own or (track.is_weighted and has_weight):
            kept.append(track)
        elif track.is_weighted:
            message = (
                f"track_interface: {track.name}: the weight has no effect, as in keepalived:"
                " this is the"
                " interface of the instance; write dont_track_primary to use the weight"
            )
            facts.block.note("void weight", track.place, message)
    return kept


def _check_strict(facts: Facts) -> None:
    """Refuse strict mode if keepalived drops packets to the addresses."""
    accepts = facts.version == 3 and facts.block.last("accept") is not None
    if not facts.strict or facts.is_owner or accepts:
        return
    word = facts.anywhere.strict
    found = facts.block.last("strict_mode")
    place = found.keyword.place if found else word.place if word else facts.place
    message = (
        "vrrp_strict: keepalived drops all packets to the virtual addresses, and hadirector does"
        " not"
    )
    if "vrrp_strict" in facts.options.accepted:
        facts.block.note("vrrp_strict", place, message)
        return
    facts.block.fault(
        place,
        f"{message}; remove vrrp_strict, or drop the packets by a rule of nftables and use"
        " --accept vrrp_strict",
    )
