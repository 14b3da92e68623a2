"""Builds and reads rtnetlink messages for routes and rules, and identifies our own.

Our routes and rules have a protocol number (rtm_protocol, FRA_PROTOCOL) that no other program uses.
The kernel stores it, and compares it when a route or rule is deleted. All fields are in host byte
order (rtnetlink(7), linux/rtnetlink.h, linux/fib_rules.h).
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Mapping
from ipaddress import ip_address, ip_network
from typing import Final

from vrrp.model.configuration import NextHop, RouteKind, RuleKind, VirtualRoute, VirtualRule
from vrrp.netlink.rtnetlink import (
    ADD_MISSING,
    AF_INET,
    AF_INET6,
    CHANGE,
    LIST,
    attribute,
    attributes,
    request,
)

PROTOCOL: Final = 112
"""The IP protocol number of VRRP. No routing daemon in rt_protos of iproute2 uses it."""

RTM_NEWROUTE, _RTM_DELROUTE, _RTM_GETROUTE = 24, 25, 26
RTM_NEWRULE, _RTM_DELRULE, _RTM_GETRULE = 32, 33, 34

# struct rtmsg: family, lengths of destination and source, tos, table, protocol, scope, type, flags.
# struct fib_rule_hdr: the same with two reserved bytes and the action after the table.
_HEADER: Final = struct.Struct("=BBBBBBBBI")
_RTA_DST, _RTA_OIF, _RTA_GATEWAY, _RTA_PRIORITY, _RTA_PREFSRC, _RTA_TABLE = 1, 4, 5, 6, 7, 15
_RTA_MULTIPATH: Final = 9
_NEXT_HOP: Final = struct.Struct("=HBBI")
"""struct rtnexthop: length with its attributes, flags, weight - 1, index of the interface."""
_RTNH_F_ONLINK: Final = 4
_LOCAL: Final = 2
_ROUTE_KINDS: Final[dict[RouteKind, int]] = {
    "unicast": 1,
    "blackhole": 6,
    "unreachable": 7,
    "prohibit": 8,
}
_FRA_DST, _FRA_SRC, _FRA_IIFNAME, _FRA_PRIORITY, _FRA_FWMARK = 1, 2, 3, 6, 10
_FRA_TABLE, _FRA_FWMASK, _FRA_OIFNAME, _FRA_PROTOCOL = 15, 16, 17, 21
_RULE_KINDS: Final[dict[RuleKind, int]] = {
    "table": 1,
    "blackhole": 6,
    "unreachable": 7,
    "prohibit": 8,
}

_SAME_ROUTE: Final = frozenset({_RTA_DST, _RTA_GATEWAY, _RTA_PRIORITY, _RTA_PREFSRC, _RTA_TABLE})
_UNIQUE: Final = frozenset({_RTA_DST, _RTA_PRIORITY, _RTA_TABLE})
_SAME_RULE: Final = frozenset(
    {
        *(_FRA_DST, _FRA_SRC, _FRA_IIFNAME, _FRA_OIFNAME, _FRA_PRIORITY),
        *(_FRA_FWMARK, _FRA_FWMASK, _FRA_TABLE),
    }
)

FAMILIES: Final = (AF_INET, AF_INET6)


def route_addition(route: VirtualRoute, indexes: Mapping[str, int]) -> bytes:
    """Build RTM_NEWROUTE. ``indexes`` has the index of each device of the route.

    The kernel answers EEXIST if a route with this destination, metric and table exists.
    """
    return request(RTM_NEWROUTE, ADD_MISSING, _route(route, indexes))


def route_deletion(route: VirtualRoute, indexes: Mapping[str, int]) -> bytes:
    """Build RTM_DELROUTE for one of our routes. The kernel answers ESRCH if it does not exist."""
    return request(_RTM_DELROUTE, CHANGE, _route(route, indexes))


def rule_addition(rule: VirtualRule) -> bytes:
    """Build RTM_NEWRULE. The kernel answers EEXIST if an equal rule exists, even a foreign one."""
    return request(RTM_NEWRULE, ADD_MISSING, _rule(rule))


def rule_deletion(rule: VirtualRule) -> bytes:
    """Build RTM_DELRULE."""
    return request(_RTM_DELRULE, CHANGE, _rule(rule))


def routes_listing(family: int) -> bytes:
    """Build RTM_GETROUTE, which lists our routes (`NETLINK_GET_STRICT_CHK`)."""
    return request(_RTM_GETROUTE, LIST, _HEADER.pack(family, 0, 0, 0, 0, PROTOCOL, 0, 0, 0))


def rules_listing(family: int) -> bytes:
    """Build RTM_GETRULE."""
    return request(_RTM_GETRULE, LIST, _HEADER.pack(family, 0, 0, 0, 0, 0, 0, 0, 0))


def listed_route_deletion(body: bytes) -> bytes:
    """Build RTM_DELROUTE for a route that was listed."""
    return request(_RTM_DELROUTE, CHANGE, body)


def listed_rule_deletion(body: bytes) -> bytes:
    """Build RTM_DELRULE for a rule that was listed."""
    return request(_RTM_DELRULE, CHANGE, body)


def is_our_route(body: bytes) -> bool:
    """Return whether a listed route has our protocol number. Old kernels list all routes.

    A local route with this number holds an announced address, and does not belong to VRRP.
    """
    return bool(body[5] == PROTOCOL and body[7] != _LOCAL)


def is_our_rule(body: bytes) -> bool:
    """Return whether a listed rule has our protocol number."""
    return dict(attributes(body, _HEADER.size)).get(_FRA_PROTOCOL) == bytes([PROTOCOL])


def is_route(body: bytes, route: VirtualRoute, indexes: Mapping[str, int]) -> bool:
    """Return whether a listed route is equal to ``route``, whose devices have these ``indexes``.

    A device is compared only if the route names it: the kernel selects a device otherwise.
    """
    listed = dict(attributes(body, _HEADER.size))
    index = 0 if route.device is None else indexes[route.device]
    if index and listed.get(_RTA_OIF) != struct.pack("=I", index):
        return False
    if not _same_next_hops(listed.get(_RTA_MULTIPATH, b""), route.nexthops, indexes):
        return False
    return _identity(body, _SAME_ROUTE) == _identity(_route(route, indexes), _SAME_ROUTE)


def blocks_route(body: bytes, route: VirtualRoute) -> bool:
    """Return whether a listed route has the same destination, metric and table as ``route``."""
    wanted = _route(route, dict.fromkeys(route.devices, 0))
    return body[:2] == wanted[:2] and _select(body, _UNIQUE) == _select(wanted, _UNIQUE)


def is_rule(body: bytes, rule: VirtualRule) -> bool:
    """Return whether a listed rule is equal to ``rule``."""
    return _identity(body, _SAME_RULE) == _identity(_rule(rule), _SAME_RULE)


def _route(route: VirtualRoute, indexes: Mapping[str, int]) -> bytes:
    family, length, packed = _prefix(route.destination)
    table = route.table if route.table < 256 else 0
    kind, flags = _ROUTE_KINDS[route.kind], _RTNH_F_ONLINK if route.on_link else 0
    body = _HEADER.pack(family, length, 0, 0, table, PROTOCOL, route.scope, kind, flags)
    body += attribute(_RTA_DST, packed) if length else b""
    body += attribute(_RTA_TABLE, struct.pack("=I", route.table))
    if route.metric:
        body += attribute(_RTA_PRIORITY, struct.pack("=I", route.metric))
    if route.gateway is not None:
        body += attribute(_RTA_GATEWAY, ip_address(route.gateway).packed)
    if route.source is not None:
        body += attribute(_RTA_PREFSRC, ip_address(route.source).packed)
    if route.device is not None:
        body += attribute(_RTA_OIF, struct.pack("=I", indexes[route.device]))
    if route.nexthops:
        hops = b"".join(_next_hop(hop, indexes) for hop in route.nexthops)
        body += attribute(_RTA_MULTIPATH, hops)
    return body


def _next_hop(hop: NextHop, indexes: Mapping[str, int]) -> bytes:
    gateway = b"" if hop.gateway is None else attribute(_RTA_GATEWAY, _pack_address(hop.gateway))
    flags = _RTNH_F_ONLINK if hop.on_link else 0
    index = 0 if hop.device is None else indexes[hop.device]
    return _NEXT_HOP.pack(_NEXT_HOP.size + len(gateway), flags, hop.weight - 1, index) + gateway


def _same_next_hops(listed: bytes, hops: tuple[NextHop, ...], indexes: Mapping[str, int]) -> bool:
    """Compare next hops in any order, and their devices only if all of ``hops`` name one."""
    named = all(hop.device is not None for hop in hops)
    wanted = Counter(
        (indexes[hop.device] if named and hop.device else 0, hop.weight, _pack_address(hop.gateway))
        for hop in hops
    )
    found = Counter(
        (index if named else 0, weight, gateway)
        for index, weight, gateway in _listed_next_hops(listed)
    )
    return wanted == found


def _listed_next_hops(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield the interface index, the weight and the packed gateway of each listed next hop."""
    offset = 0
    while offset + _NEXT_HOP.size <= len(data):
        length, _, hops, index = _NEXT_HOP.unpack_from(data, offset)
        if length < _NEXT_HOP.size:
            return
        found = dict(attributes(data[offset : offset + length], _NEXT_HOP.size))
        yield index, hops + 1, found.get(_RTA_GATEWAY, b"")
        offset += (length + 3) & ~3


def _pack_address(address: str | None) -> bytes:
    return b"" if address is None else ip_address(address).packed


def _rule(rule: VirtualRule) -> bytes:
    family, to_length, to = _prefix(rule.destination)
    _, from_length, origin = _prefix(rule.source)
    table = rule.table if rule.table < 256 else 0
    body = _HEADER.pack(family, to_length, from_length, 0, table, 0, 0, _RULE_KINDS[rule.kind], 0)
    body += attribute(_FRA_DST, to) if to_length else b""
    body += attribute(_FRA_SRC, origin) if from_length else b""
    body += attribute(_FRA_PRIORITY, struct.pack("=I", rule.priority))
    body += attribute(_FRA_PROTOCOL, bytes([PROTOCOL]))
    if rule.table:
        body += attribute(_FRA_TABLE, struct.pack("=I", rule.table))
    for kind, device in ((_FRA_IIFNAME, rule.input_device), (_FRA_OIFNAME, rule.output_device)):
        if device is not None:
            body += attribute(kind, device.encode() + b"\0")
    if rule.mark is not None:
        body += attribute(_FRA_FWMARK, struct.pack("=I", rule.mark))
        body += attribute(_FRA_FWMASK, struct.pack("=I", rule.mask))
    return body


def _prefix(text: str) -> tuple[int, int, bytes]:
    network = ip_network(text)
    family = AF_INET if network.version == 4 else AF_INET6
    return family, network.prefixlen, network.network_address.packed


def _identity(body: bytes, kinds: frozenset[int]) -> tuple[object, ...]:
    """Return the fields that identify a route or rule, with the attributes of these kinds."""
    family, to_length, from_length, tos, _, _, _, kind, _ = _HEADER.unpack_from(body)
    return family, to_length, from_length, tos, kind, _select(body, kinds)


def _select(body: bytes, kinds: frozenset[int]) -> frozenset[tuple[int, bytes]]:
    """Return the attributes of these kinds. A value of 0 is the same as a missing attribute."""
    return frozenset(
        (kind, value)
        for kind, value in attributes(body, _HEADER.size)
        if kind in kinds and any(value)
    )
