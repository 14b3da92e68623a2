"""The rtnetlink messages that add and remove routes and rules, and how listed ones are identified.

The messages are in the host's byte order; the literals are a little-endian host's.
"""

from __future__ import annotations

from msgspec.structs import replace

from vrrp.model.configuration import NextHop, VirtualRoute, VirtualRule
from vrrp.netlink.route_message import (
    blocks_route,
    is_our_route,
    is_our_rule,
    is_route,
    is_rule,
    route_addition,
    route_deletion,
    rule_addition,
    rule_deletion,
)

ROUTE = VirtualRoute(
    destination="10.50.0.0/16", gateway="10.99.0.9", source="10.99.0.100", metric=7, table=300
)
RULE = VirtualRule(
    source="10.5.0.0/24", destination="0.0.0.0/0", priority=1000, table=100, mark=5, mask=255
)

ROUTE_BODY = (
    # AF_INET, /16, no source prefix, tos 0, table elsewhere, protocol 112, universe, unicast
    "02 10 00 00 00 70 00 01 00000000"
    "0800 0100 0a320000"  # RTA_DST
    "0800 0f00 2c010000"  # RTA_TABLE 300
    "0800 0600 07000000"  # RTA_PRIORITY
    "0800 0500 0a630009"  # RTA_GATEWAY
    "0800 0700 0a630064"  # RTA_PREFSRC
)
RULE_BODY = (
    # AF_INET, any destination, /24 source, tos 0, table 100, action FR_ACT_TO_TBL
    "02 00 18 00 64 00 00 01 00000000"
    "0800 0200 0a050000"  # FRA_SRC
    "0800 0600 e8030000"  # FRA_PRIORITY
    "0500 1500 70000000"  # FRA_PROTOCOL 112
    "0800 0f00 64000000"  # FRA_TABLE
    "0800 0a00 05000000"  # FRA_FWMARK
    "0800 1000 ff000000"  # FRA_FWMASK
)


def test_a_route_is_added_if_missing_and_deleted_with_our_protocol() -> None:
    """RTM_NEWROUTE: REQUEST ACK EXCL CREATE, 76 bytes; RTM_DELROUTE: REQUEST ACK, 68 bytes."""
    oif = "0800 0400 07000000"
    added = f"4c000000 1800 0506 00000000 00000000 {ROUTE_BODY} {oif}"
    assert route_addition(replace(ROUTE, device="eth0"), {"eth0": 7}) == bytes.fromhex(added)
    deleted = f"44000000 1900 0500 00000000 00000000 {ROUTE_BODY}"
    assert route_deletion(ROUTE, {}) == bytes.fromhex(deleted)


def test_a_blackhole_route_and_a_route_on_a_link() -> None:
    """RTN_BLACKHOLE is 6, RT_SCOPE_LINK 253, RTNH_F_ONLINK 4; ::/0 has no destination."""
    blackhole = route_addition(VirtualRoute(destination="10.50.0.0/16", kind="blackhole"), {})
    assert blackhole[16:28] == bytes.fromhex("02 10 00 00 fe 70 00 06 00000000")
    default = VirtualRoute(
        destination="::/0", gateway="fe80::1", device="eth0", metric=1024, scope=253, on_link=True
    )
    gateway = "fe800000000000000000000000000001"
    assert route_addition(default, {"eth0": 2})[16:] == bytes.fromhex(
        "0a 00 00 00 fe 70 fd 01 04000000 0800 0f00 fe000000 0800 0600 00040000"
        f"1400 0500 {gateway} 0800 0400 02000000"
    )


def test_a_rule_is_added_and_deleted_with_our_protocol() -> None:
    """RTM_NEWRULE and RTM_DELRULE. A rule with another action has no attribute for a table."""
    assert rule_addition(RULE) == bytes.fromhex(f"4c000000 2000 0506 00000000 00000000 {RULE_BODY}")
    assert rule_deletion(RULE)[:8] == bytes.fromhex("4c000000 2100 0500")
    prohibit = VirtualRule(
        source="::/0", destination="2001:db8::/32", priority=9, kind="prohibit", input_device="e"
    )
    destination = "20010db8000000000000000000000000"
    assert rule_addition(prohibit)[16:] == bytes.fromhex(
        f"0a 20 00 00 00 00 00 08 00000000 1400 0100 {destination}"
        "0800 0600 09000000 0500 1500 70000000 0600 0300 65000000"
    )


def test_a_listed_route_is_identified_by_its_configured_fields() -> None:
    """The kernel adds the device that it selected, and omits a metric of 0."""
    listed = bytes.fromhex(ROUTE_BODY + "0800 0400 07000000")
    assert is_our_route(listed)
    assert is_route(listed, ROUTE, {})
    named = replace(ROUTE, device="eth0")
    assert is_route(listed, named, {"eth0": 7})
    assert not is_route(listed, named, {"eth0": 8})
    assert not is_route(listed, replace(ROUTE, gateway="10.99.0.8"), {})
    assert not is_route(listed, replace(ROUTE, source=None), {})
    assert not is_route(listed, replace(ROUTE, kind="blackhole"), {})
    assert blocks_route(listed, replace(ROUTE, gateway="10.99.0.8", source=None))
    assert not blocks_route(listed, replace(ROUTE, metric=8))
    assert not blocks_route(listed, replace(ROUTE, table=301))
    assert not blocks_route(listed, replace(ROUTE, destination="10.50.0.0/17"))


def test_a_route_with_next_hops_is_built_and_identified() -> None:
    """RTA_MULTIPATH of struct rtnexthop: length, flags, weight - 1, interface index."""
    first = NextHop(gateway="10.99.0.8", device="eth0", weight=3, on_link=True)
    divided = replace(ROUTE, gateway=None, source=None, nexthops=(first, NextHop(device="eth1")))
    header = "02 10 00 00 00 70 00 01 00000000"
    fields = "0800 0100 0a320000 0800 0f00 2c010000 0800 0600 07000000"
    hops = "1c00 0900 1000 04 02 07000000 0800 0500 0a630008 0800 00 00 09000000"
    indexes = {"eth0": 7, "eth1": 9}
    body = bytes.fromhex(f"{header} {fields} {hops}")
    assert route_addition(divided, indexes)[16:] == body
    reverse = "1c00 0900 0800 00 00 09000000 1000 04 02 07000000 0800 0500 0a630008"
    listed = bytes.fromhex(f"{header} {fields} {reverse}")
    assert is_route(listed, divided, indexes)
    assert not is_route(listed, divided, {"eth0": 7, "eth1": 8})
    assert not is_route(listed, replace(divided, nexthops=(first,)), indexes)
    lighter = (replace(first, weight=2), *divided.nexthops[1:])
    assert not is_route(listed, replace(divided, nexthops=lighter), indexes)
    assert not is_route(listed, ROUTE, indexes)
    without_devices = (NextHop(gateway="10.99.0.8", weight=3), NextHop())
    assert is_route(listed, replace(divided, nexthops=without_devices), {})
    assert blocks_route(listed, divided)


def test_a_listed_rule_is_identified_by_its_configured_fields() -> None:
    """FRA_SUPPRESS_PREFIXLEN, which every listed rule has, is ignored."""
    listed = bytes.fromhex(RULE_BODY + "0800 0e00 ffffffff")
    assert is_our_rule(listed)
    assert is_rule(listed, RULE)
    assert not is_rule(listed, replace(RULE, mask=15))
    assert not is_rule(listed, replace(RULE, input_device="eth0"))
    assert not is_rule(listed, replace(RULE, source="10.5.0.0/25"))


def test_a_route_with_a_broken_attribute_matches_nothing() -> None:
    """An attribute shorter than its own header ends the reading."""
    header = "02 00 18 00 64 00 00 01 00000000"
    assert not is_our_rule(bytes.fromhex(header + "0000 1500 70000000"))
    assert not is_our_rule(bytes.fromhex(header + "0500"))
