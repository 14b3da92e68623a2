"""The rtnetlink messages for routes and rules, as bytes, and whose a route or rule is.

Ours carry a protocol number of their own (rtm_protocol, FRA_PROTOCOL), which the kernel keeps and
compares when something is deleted. All of them are in the host's byte order (rtnetlink(7),
linux/rtnetlink.h, linux/fib_rules.h).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Final

from vrrp.model.configuration import RouteKind, RuleKind, VirtualRoute, VirtualRule
from vrrp.netlink.rtnetlink import (
    ADD_MISSING,
    AF_INET,
    AF_INET6,
    DELETE,
    LIST,
    attribute,
    request,
)

PROTOCOL: Final = 112
"""VRRP's own number, which no routing daemon in iproute2's rt_protos has."""

RTM_NEWROUTE, _RTM_DELROUTE, _RTM_GETROUTE = 24, 25, 26
RTM_NEWRULE, _RTM_DELRULE, _RTM_GETRULE = 32, 33, 34

# struct rtmsg: family, lengths of destination and source, tos, table, protocol, scope, type, flags.
# struct fib_rule_hdr: the same with two reserved bytes and the action after the table.
_HEADER: Final = struct.Struct("=BBBBBBBBI")
_RTA_DST, _RTA_OIF, _RTA_GATEWAY, _RTA_PRIORITY, _RTA_PREFSRC, _RTA_TABLE = 1, 4, 5, 6, 7, 15
_RTNH_F_ONLINK: Final = 4
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
_PLACE: Final = frozenset({_RTA_DST, _RTA_PRIORITY, _RTA_TABLE})
_SAME_RULE: Final = frozenset(
    {
        *(_FRA_DST, _FRA_SRC, _FRA_IIFNAME, _FRA_OIFNAME, _FRA_PRIORITY),
        *(_FRA_FWMARK, _FRA_FWMASK, _FRA_TABLE),
    }
)

FAMILIES: Final = (AF_INET, AF_INET6)


def route_addition(route: VirtualRoute, index: int) -> bytes:
    """Build RTM_NEWROUTE; the kernel answers EEXIST if one of this destination, metric and table
    stands. ``index`` is of the route's device, 0 without one.
    """
    return request(RTM_NEWROUTE, ADD_MISSING, _route(route, index))


def route_deletion(route: VirtualRoute, index: int) -> bytes:
    """Build RTM_DELROUTE for such a route of ours; the kernel answers ESRCH if there is none."""
    return request(_RTM_DELROUTE, DELETE, _route(route, index))


def rule_addition(rule: VirtualRule) -> bytes:
    """Build RTM_NEWRULE; the kernel answers EEXIST if an equal one stands, whoever's it is."""
    return request(RTM_NEWRULE, ADD_MISSING, _rule(rule))


def rule_deletion(rule: VirtualRule) -> bytes:
    """Build RTM_DELRULE."""
    return request(_RTM_DELRULE, DELETE, _rule(rule))


def routes_listing(family: int) -> bytes:
    """Build RTM_GETROUTE for our routes, as `NETLINK_GET_STRICT_CHK` has it."""
    return request(_RTM_GETROUTE, LIST, _HEADER.pack(family, 0, 0, 0, 0, PROTOCOL, 0, 0, 0))


def rules_listing(family: int) -> bytes:
    """Build RTM_GETRULE."""
    return request(_RTM_GETRULE, LIST, _HEADER.pack(family, 0, 0, 0, 0, 0, 0, 0, 0))


def listed_route_deletion(body: bytes) -> bytes:
    """Build RTM_DELROUTE for a route that was listed."""
    return request(_RTM_DELROUTE, DELETE, body)


def listed_rule_deletion(body: bytes) -> bytes:
    """Build RTM_DELRULE for a rule that was listed."""
    return request(_RTM_DELRULE, DELETE, body)


def is_our_route(body: bytes) -> bool:
    """Whether a listed route has our protocol number; old kernels list the others too."""
    return bool(body[5] == PROTOCOL)


def is_our_rule(body: bytes) -> bool:
    """Whether a listed rule has our protocol number."""
    return dict(_attributes(body)).get(_FRA_PROTOCOL) == bytes([PROTOCOL])


def is_route(body: bytes, route: VirtualRoute, index: int) -> bool:
    """Whether a listed route is this one, and not just of its destination.

    The kernel names a device also where none was asked for.
    """
    asked = _route(route, index)
    if index and dict(_attributes(body)).get(_RTA_OIF) != struct.pack("=I", index):
        return False
    return _identity(body, _SAME_ROUTE) == _identity(asked, _SAME_ROUTE)


def is_in_place_of(body: bytes, route: VirtualRoute) -> bool:
    """Whether a listed route keeps this one from being added: the kernel has one of a kind."""
    asked = _route(route, 0)
    return body[:2] == asked[:2] and _found(body, _PLACE) == _found(asked, _PLACE)


def is_rule(body: bytes, rule: VirtualRule) -> bool:
    """Whether a listed rule is this one."""
    return _identity(body, _SAME_RULE) == _identity(_rule(rule), _SAME_RULE)


def _route(route: VirtualRoute, index: int) -> bytes:
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
    if index:
        body += attribute(_RTA_OIF, struct.pack("=I", index))
    return body


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
    """What tells one from another: family, lengths, tos, type or action, and these attributes."""
    family, to_length, from_length, tos, _, _, _, kind, _ = _HEADER.unpack_from(body)
    return family, to_length, from_length, tos, kind, _found(body, kinds)


def _found(body: bytes, kinds: frozenset[int]) -> frozenset[tuple[int, bytes]]:
    """The attributes of these kinds; a number 0 is as good as none."""
    return frozenset(each for each in _attributes(body) if each[0] in kinds and any(each[1]))


def _attributes(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Take a message's attributes apart; one that is broken ends the reading."""
    offset = _HEADER.size
    while offset + 4 <= len(body):
        length, kind = struct.unpack_from("=HH", body, offset)
        if length < 4:
            return
        yield kind, body[offset + 4 : offset + length]
        offset += (length + 3) & ~3
