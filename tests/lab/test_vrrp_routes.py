"""Virtual routes and rules on the real kernel: added and removed with ACTIVE, and restored."""

from __future__ import annotations

import msgspec
import pytest
from pyroute2 import netns

from hadirector.lab.topology import Host
from tests.lab.speaking import FIRST, activate, change, settle
from vrrp.addresses.addresses import remove
from vrrp.model.configuration import NextHop, Placement, VirtualRoute, VirtualRule
from vrrp.model.report import Report, State
from vrrp.speaker import Speaker

pytestmark = pytest.mark.netns

ROUTES = (
    VirtualRoute(destination="10.50.0.0/16", gateway="10.99.0.9", table=100, metric=7),
    VirtualRoute(destination="10.51.0.0/16", device="eth0", source="10.99.0.100", scope=253),
    VirtualRoute(destination="10.52.0.0/16", kind="unreachable"),
    VirtualRoute(
        destination="2001:db8:50::/48", gateway="2001:db8:99::9", device="eth0", metric=1024
    ),
)
RULES = (
    VirtualRule(source="10.5.0.0/24", destination="0.0.0.0/0", priority=1000, table=100),
    VirtualRule(source="::/0", destination="2001:db8:5::/48", priority=1001, kind="prohibit"),
)
FAMILIES = ("-4", "-6")
ROUTED = msgspec.structs.replace(FIRST, virtual_routes=ROUTES, virtual_rules=RULES)
NOT_ACTIVE = msgspec.structs.replace(ROUTED, advert_interval=10.0)

EVERYTHING = {
    "10.50.0.0/16 via 10.99.0.9 dev eth0 table 100 proto 112 metric 7",
    "10.51.0.0/16 dev eth0 proto 112 scope link src 10.99.0.100",
    "unreachable 10.52.0.0/16 proto 112",
    "2001:db8:50::/48 via 2001:db8:99::9 dev eth0 proto 112 metric 1024 pref medium",
    "1000: from 10.5.0.0/24 lookup 100 proto 112",
    "1001: from all to 2001:db8:5::/48 prohibit proto 112",
}


@pytest.fixture
def host(host: Host) -> Host:
    host.ip("address add 2001:db8:99::1/64 dev eth0 nodad")
    return host


def routing(host: Host) -> set[str]:
    """Return all routes and rules with our protocol number, as iproute2 prints them."""
    commands = ("-4 route show table all", "-6 route show table all", "-4 rule", "-6 rule")
    shown = [host.run("ip", "-details", *each.split()).stdout for each in commands]
    lines = {" ".join(line.split()) for line in "".join(shown).splitlines()}
    ours = {line.removeprefix("unicast ") for line in lines if "proto 112" in line}
    return {line.replace(" scope global", "").replace(" table main", "") for line in ours}


def counters(speaker: Speaker) -> dict[str, int]:
    return speaker.statuses()[0].counters


async def test_routes_and_rules_come_with_active_and_go_with_it(
    speaker: Speaker, host: Host
) -> None:
    """Of both families, in their own tables, with our protocol number."""
    await activate(speaker, ROUTED)
    await settle(lambda: routing(host), expected=EVERYTHING)
    await speaker.release_now()
    assert routing(host) == set()
    assert "10.99.0.0/24 dev eth0" in host.run("ip", "route").stdout


async def test_a_route_with_next_hops_stands_as_ip_route_shows_it_and_goes(
    speaker: Speaker, host: Host
) -> None:
    """Of both families; restored after a removal, and replaced when a weight changes."""
    first = NextHop(gateway="10.99.0.8", device="eth0", weight=3)
    old = VirtualRoute(destination="10.56.0.0/16", nexthops=(first, NextHop(gateway="10.99.0.9")))
    far = tuple(NextHop(gateway=f"2001:db8:99::{end}", device="eth0") for end in (8, 9))
    ipv6 = VirtualRoute(destination="2001:db8:56::/48", nexthops=far, metric=1024)

    def shown() -> tuple[str, str]:
        found = (host.run("ip", each, "route", "show", "proto", "112").stdout for each in FAMILIES)
        first, second = (" ".join(each.split()) for each in found)
        return first, second

    expected = (
        "10.56.0.0/16 nexthop via 10.99.0.8 dev eth0 weight {}"
        " nexthop via 10.99.0.9 dev eth0 weight 1",
        "2001:db8:56::/48 metric 1024 pref medium nexthop via 2001:db8:99::8 dev eth0 weight 1"
        " nexthop via 2001:db8:99::9 dev eth0 weight 1",
    )
    await activate(speaker, msgspec.structs.replace(FIRST, virtual_routes=(old, ipv6)))
    await settle(shown, expected=(expected[0].format(3), expected[1]))
    await change(host, "route delete 10.56.0.0/16", "route delete 2001:db8:56::/48")
    await settle(shown, expected=(expected[0].format(3), expected[1]))
    new = msgspec.structs.replace(
        old, nexthops=(msgspec.structs.replace(first, weight=200), *old.nexthops[1:])
    )
    await speaker.configure([msgspec.structs.replace(FIRST, virtual_routes=(new, ipv6))])
    await settle(shown, expected=(expected[0].format(200), expected[1]))
    await speaker.release_now()
    assert shown() == ("", "")


async def test_leftover_next_hops_of_a_crash_are_kept_or_removed(host: Host) -> None:
    """A resumed instance adopts its route. The same route with other next hops is replaced."""
    hops = (NextHop(gateway="10.99.0.8"), NextHop(gateway="10.99.0.9", weight=2))
    route = VirtualRoute(destination="10.56.0.0/16", nexthops=hops)
    wanted = msgspec.structs.replace(FIRST, virtual_routes=(route,))
    leftover = "route replace 10.56.0.0/16 proto 112 nexthop via 10.99.0.8 nexthop via 10.99.0.{}"
    show = "10.56.0.0/16 proto 112 nexthop via 10.99.0.8 dev eth0 weight 1 nexthop via"

    def shown() -> str:
        found = host.run("ip", "route", "show", "10.56.0.0/16").stdout
        return " ".join(found.split())

    reports: list[Report] = []
    netns.pushns(host.namespace)
    try:
        for last in ("9 weight 2", "9", "7 weight 2"):
            host.ip(leftover.format(last))
            async with Speaker(reports.append, alone=True) as speaker:
                await speaker.configure([wanted], resume=frozenset({"first"}))
                await settle(shown, expected=f"{show} 10.99.0.9 dev eth0 weight 2")
                assert "routes_removed" not in counters(speaker)
                await speaker.stop(keep=True)
            assert shown() == f"{show} 10.99.0.9 dev eth0 weight 2"
        host.ip(
            "route add 2001:db8:56::/48 proto 112"
            " nexthop via 2001:db8:99::8 nexthop via 2001:db8:99::9"
        )
        async with Speaker(reports.append, alone=True) as speaker:
            await speaker.configure([NOT_ACTIVE])
            await settle(lambda: routing(host), expected=set())
    finally:
        netns.popns()


async def test_a_route_or_rule_that_an_operator_removes_is_restored_and_counted(
    speaker: Speaker, host: Host
) -> None:
    await activate(speaker, ROUTED)
    await settle(lambda: routing(host), expected=EVERYTHING)
    await change(
        host,
        "route delete 10.50.0.0/16 table 100",
        "route delete 2001:db8:50::/48",
        "rule delete priority 1000",
    )
    await settle(lambda: routing(host), expected=EVERYTHING)
    assert counters(speaker)["routes_removed"] == 3


async def test_a_route_that_goes_with_its_source_comes_back_with_it(
    speaker: Speaker, host: Host
) -> None:
    """The kernel deletes it without an event. Only the address counts as removed."""
    await activate(speaker, ROUTED)
    await settle(lambda: routing(host), expected=EVERYTHING)
    await change(host, "address delete 10.99.0.100/32 dev eth0")
    await settle(lambda: counters(speaker).get("addresses_removed"), expected=1)
    await settle(lambda: routing(host), expected=EVERYTHING)
    assert "routes_removed" not in counters(speaker)


async def test_an_ipv6_route_gets_its_source_back(speaker: Speaker, host: Host) -> None:
    """The kernel keeps an IPv6 route and removes its source."""
    virtual = "2001:db8:99::100"
    route = msgspec.structs.replace(ROUTES[3], source=virtual)
    sourced = msgspec.structs.replace(
        FIRST, unadvertised_addresses=(f"{virtual}/64",), virtual_routes=(route,)
    )
    await activate(speaker, sourced)
    everything = {
        f"2001:db8:50::/48 via 2001:db8:99::9 dev eth0 proto 112 src {virtual}"
        " metric 1024 pref medium"
    }
    await settle(lambda: routing(host), expected=everything)
    await change(host, f"address delete {virtual}/64 dev eth0")
    await settle(lambda: counters(speaker).get("addresses_removed"), expected=1)
    await settle(lambda: routing(host), expected=everything)


async def test_a_route_whose_device_goes_comes_back_with_it(speaker: Speaker, host: Host) -> None:
    """Until then it is reported as failing, and the other routes stand."""
    cable = "link add service type veth peer name far"
    host.ip(cable, "link set far up", "link set service up")
    route = VirtualRoute(destination="10.53.0.0/16", device="service", scope=253)
    placed = msgspec.structs.replace(
        FIRST,
        virtual_addresses=("10.99.0.100/32", "10.97.0.100/24"),
        placements=(Placement("10.97.0.100/24", device="service"),),
        virtual_routes=(*ROUTES[:1], route),
    )
    shown = "10.53.0.0/16 dev service proto 112 scope link"
    await activate(speaker, placed)
    await settle(lambda: shown in routing(host), "the route in the table")
    await change(host, "link delete service")
    await settle(lambda: counters(speaker).get("route_errors", 0) > 0, "a route error")
    assert len(routing(host)) == 1
    await change(host, cable, "link set far up", "link set service up")
    await settle(lambda: shown in routing(host), "the route in the table")
    assert "routes_removed" not in counters(speaker)
    assert speaker.statuses()[0].state is State.ACTIVE


async def test_foreign_routes_and_rules_stay(speaker: Speaker, host: Host) -> None:
    """Foreign routes stand before, during and after, equal to ours or not.

    An equal one is reported once.
    """
    foreign = {
        "10.50.0.0/16 via 10.99.0.9 dev eth0 proto static metric 7",
        "10.52.0.0/16 via 10.99.0.8 dev eth0 proto static",
    }
    host.ip(
        "route add 10.50.0.0/16 via 10.99.0.9 table 100 metric 7 proto static",
        "route add 10.52.0.0/16 via 10.99.0.8 proto static",
        "rule add from 10.5.0.0/24 priority 1000 table 100 protocol static",
    )

    def stand() -> bool:
        tables = (host.run("ip", "route", "show", "table", each).stdout for each in ("100", "main"))
        shown = {" ".join(line.split()) for line in "".join(tables).splitlines()}
        rules = host.run("ip", "rule").stdout
        return foreign <= shown and "1000:\tfrom 10.5.0.0/24 lookup 100 proto static" in rules

    await activate(speaker, ROUTED)
    await settle(lambda: counters(speaker).get("route_errors", 0) >= 2, "two route errors")
    assert stand()
    await speaker.release_now()
    assert stand()
    assert routing(host) == set()


async def test_a_start_removes_the_leftovers_of_a_crash(host: Host) -> None:
    """Still configured or not. An instance that resumes keeps its own."""
    leftover = (
        "route add 10.50.0.0/16 via 10.99.0.9 table 100 metric 7 proto 112",
        "route add 10.54.0.0/16 via 10.99.0.9 proto 112",
        "route add 2001:db8:54::/48 via 2001:db8:99::9 proto 112",
        "rule add from 10.5.0.0/24 priority 1000 table 100 protocol 112",
        "rule add from 10.6.0.0/24 priority 1002 table 100 protocol 112",
        "route add 10.55.0.0/16 via 10.99.0.9 proto static",
    )
    host.ip(*leftover)
    reports: list[Report] = []
    netns.pushns(host.namespace)
    try:
        async with Speaker(reports.append, alone=True) as speaker:
            await speaker.configure([NOT_ACTIVE])
            await settle(lambda: routing(host), expected=set())
        host.ip(*leftover[:-1])
        async with Speaker(reports.append, alone=True) as speaker:
            await speaker.configure([NOT_ACTIVE], resume=frozenset({"first"}))
            await settle(lambda: routing(host), expected=EVERYTHING)
            assert "routes_removed" not in counters(speaker)
        await remove(NOT_ACTIVE)
        assert routing(host) == set()
    finally:
        netns.popns()
    assert "10.55.0.0/16" in host.run("ip", "route").stdout


async def test_a_reload_changes_only_the_differences(speaker: Speaker, host: Host) -> None:
    """A route with another gateway replaces the old one. The instance stays ACTIVE."""
    await activate(speaker, ROUTED)
    await settle(lambda: routing(host), expected=EVERYTHING)
    moved = msgspec.structs.replace(ROUTES[0], gateway="10.99.0.10")
    changed = msgspec.structs.replace(
        ROUTED, virtual_routes=(moved, *ROUTES[1:2]), virtual_rules=RULES[:1]
    )
    await speaker.configure([changed])
    await settle(
        lambda: routing(host),
        expected={
            "10.50.0.0/16 via 10.99.0.10 dev eth0 table 100 proto 112 metric 7",
            "10.51.0.0/16 dev eth0 proto 112 scope link src 10.99.0.100",
            "1000: from 10.5.0.0/24 lookup 100 proto 112",
        },
    )
    assert counters(speaker)["transitions"] == 2
    assert "routes_removed" not in counters(speaker)
