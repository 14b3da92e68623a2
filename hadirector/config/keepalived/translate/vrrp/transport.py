"""Translates the transport of advertisements: multicast, unicast, and the virtual MAC."""

from __future__ import annotations

from typing import Final

from hadirector.config.document.errors import quote
from hadirector.config.keepalived.node import Node, mapping, scalar, sequence
from hadirector.config.keepalived.syntax.statement import Statement, Word
from hadirector.config.keepalived.translate.vrrp.facts import Facts
from hadirector.config.keepalived.translate.vrrp.values import lines, whole, whole_node

KERNEL_HOP_LIMIT: Final = 64
"""keepalived sends IPv6 unicast with the default of the kernel (net.ipv6.conf.*.hop_limit)."""
INTERFACE_CHARACTERS: Final = 15


def transport_keys(facts: Facts) -> dict[str, Node | None]:
    """Return the keys of the transport."""
    keys: dict[str, Node | None] = {
        "virtual_mac": _virtual_mac(facts),
        "checksum": _checksum(facts),
    }
    old = facts.block.last("old_unicast_checksum")
    if old is not None and [word.text for word in old.arguments] != ["never"]:
        message = (
            "hadirector does not support the checksum of keepalived 1.3.6 (update the peer,"
            " and leave this out)"
        )
        facts.block.fault(old.keyword.place, f"old_unicast_checksum: {message}")
    if facts.has_peers:
        return {**keys, "unicast": _unicast(facts)}
    if (peers := facts.block.last("unicast_peer")) is not None:
        message = "unicast_peer is empty: advertisements are multicast, as in keepalived"
        facts.block.note("multicast", peers.keyword.place, message)
    return {**keys, "source": _source(facts), "group": _group(facts)}


def _source(facts: Facts) -> Node | None:
    """Return the source address. keepalived keeps the last of both keywords."""
    found = facts.block.all("unicast_src_ip", "mcast_src_ip")
    if not found:
        return None
    keyword, word = found[-1].keyword, found[-1].arguments[0]
    if "/" in word.text:
        message = (
            f"{keyword.text}: {word.text} is not an address, so keepalived uses the first"
            " address of the interface"
        )
        facts.block.note("source", word.place, message)
        return None
    return scalar(word.text, word.place, keyword.place)


def _group(facts: Facts) -> Node | None:
    word = facts.block.word("mcast_dst_ip") or facts.anywhere.groups[facts.family == 6]
    return None if word is None else scalar(word.text, word.place)


def _unicast(facts: Facts) -> Node:
    block = facts.block
    place = block.all("unicast_peer")[-1].keyword.place
    source = _source(facts)
    if strict := facts.strict:
        message = "unicast_peer contradicts vrrp_strict, and keepalived does not start the instance"
        block.fault(place, f"{message}; remove one of them")
    ttl = block.last("unicast_ttl")
    if ttl is not None and not strict and whole(ttl.arguments[0]) != 255:
        message = "unicast_ttl: advertisements are sent with TTL 255"
        block.note("unicast_ttl", ttl.keyword.place, message)
    return mapping(
        place,
        {"source": source, "peers": _peers(facts, source), "ttl_min": _ttl_min(facts)},
    )


def _peers(facts: Facts, source: Node | None) -> Node:
    found: dict[str, Node] = {}
    for line in lines(facts.block, "unicast_peer"):
        word = line.keyword
        if source is not None and word.text == source.value:
            message = f"{word.text} is left out: a director is not its own peer"
            facts.block.note("own peer", word.place, message)
        elif word.text in found:
            message = f"{word.text} is left out, as in keepalived: it is a peer already"
            facts.block.note("second peer", word.place, message)
        else:
            found[word.text] = scalar(word.text, word.place)
    place = facts.block.all("unicast_peer")[-1].keyword.place
    return sequence(place, found.values())


def _ttl_min(facts: Facts) -> Node | None:
    """Return the lowest TTL that is accepted: keepalived has a limit for each peer."""
    lowest: list[Word] = []
    for line in lines(facts.block, "unicast_peer"):
        lowest += _limit(line, facts)
    if lowest:
        word = min(lowest, key=lambda each: whole(each) or 0)
        if len({each.text for each in lowest}) > 1:
            message = f"min_ttl: one limit applies to all peers, {word.text}"
            facts.block.note("ttl", word.place, message)
        return scalar(1, word.place) if whole(word) == 0 else whole_node(word)
    ttl = facts.block.word("unicast_ttl")
    if facts.family == 4 or facts.options.own_defaults or (ttl and whole(ttl) == 255):
        return None
    return scalar(KERNEL_HOP_LIMIT, facts.place)


def _limit(line: Statement, facts: Facts) -> list[Word]:
    """Return the value of min_ttl on the line of a peer."""
    found = []
    for keyword, value in zip(line.arguments[::2], line.arguments[1::2], strict=False):
        if keyword.text == "min_ttl":
            found.append(value)
        elif keyword.text == "max_ttl":
            if value.text != "255":
                message = "max_ttl: there is no upper limit of the TTL"
                facts.block.note("ttl", keyword.place, message)
        else:
            facts.block.fault(keyword.place, f"unknown word {quote(keyword.text)} of a peer")
    return found


def _virtual_mac(facts: Facts) -> Node | None:
    found = facts.block.last("use_vmac")
    base = facts.block.last("vmac_xmit_base")
    if found is None:
        return None
    if base is not None and not facts.has_peers:
        message = "vmac_xmit_base: advertisements leave from the interface with the virtual MAC"
        facts.block.note("vmac_xmit_base", base.keyword.place, message)
    name: Node | None = None
    words = iter(found.arguments)
    for word in words:
        if ":" in word.text or word.text == "group":
            message = (
                f"use_vmac: {word.text} cannot be chosen: RFC 9568 7.3 defines the virtual MAC"
            )
            facts.block.fault(word.place, f"{message} (leave it out)")
            next(words, None) if word.text == "group" else None
        elif word.text not in ("name", "netlink_notify_msg"):
            name = scalar(word.text, word.place)
    if name is None and facts.options.own_defaults:
        return scalar(True, found.keyword.place)
    if name is None:
        name = scalar(_macvlan_name(facts), found.keyword.place)
    return mapping(found.keyword.place, {"name": name})


def _macvlan_name(facts: Facts) -> str:
    """Return the name that keepalived gives to a macvlan. The prefix is cut to fit."""
    vrid = facts.block.word("virtual_router_id")
    ending = f".{vrid.text if vrid else ''}"
    return facts.anywhere.macvlan_prefix[: INTERFACE_CHARACTERS - len(ending)] + ending


def _checksum(facts: Facts) -> Node | None:
    """Return the form of the checksum, which matters in version 3 over IPv4 only."""
    own = facts.block.last("v3_checksum_as_v2")
    wanted = facts.here.checksum_as_v2
    if own is not None:
        wanted = bool(facts.block.flag("v3_checksum_as_v2"))
    if not wanted or (facts.version, facts.family) != (3, 4):
        return None
    return scalar("rfc9568", own.keyword.place if own else facts.place)
