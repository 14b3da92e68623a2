"""Virtual routes and rules: the model, and the faults."""

from collections.abc import Callable

import pytest

from hadirector.config.loader import parse
from vrrp.model.configuration import NextHop, VirtualRoute, VirtualRule

FaultsOf = Callable[[str], list[str]]

INSTANCE = (
    "vrrp: [{name: a, interface: eth0, virtual_router_id: 1, virtual_addresses: [10.0.0.1],\n"
)


def test_the_keys_of_routes_reach_the_model() -> None:
    """Scope and metric are as in ip-route(8). `default` has the family of its gateway."""
    text = INSTANCE + (
        "virtual_routes: [{destination: default, gateway: 10.0.0.7, table: 100},"
        " {destination: 10.6.0.0/16, device: eth1, metric: 50, source: 10.0.0.1},"
        " {destination: 10.7.0.9, type: blackhole, table: default},"
        " {destination: default, gateway: 'fe80::1', device: eth0, on_link: true},"
        " {destination: default, device: eth0},"
        " {destination: 10.8.0.0/16, nexthops: [{gateway: 10.0.0.7, weight: 3},"
        " {gateway: 10.0.0.8, device: eth0, on_link: true}]}]}]"
    )
    (instance,) = parse(text.encode(), "f", "host").vrrp
    assert instance.virtual_routes == (
        VirtualRoute(destination="0.0.0.0/0", gateway="10.0.0.7", table=100),
        VirtualRoute(
            destination="10.6.0.0/16", device="eth1", metric=50, source="10.0.0.1", scope=253
        ),
        VirtualRoute(destination="10.7.0.9/32", kind="blackhole", table=253),
        VirtualRoute(
            destination="::/0", gateway="fe80::1", device="eth0", metric=1024, on_link=True
        ),
        VirtualRoute(destination="0.0.0.0/0", device="eth0", scope=253),
        VirtualRoute(
            destination="10.8.0.0/16",
            nexthops=(
                NextHop(gateway="10.0.0.7", weight=3),
                NextHop(gateway="10.0.0.8", device="eth0", on_link=True),
            ),
        ),
    )


def test_the_keys_of_rules_reach_the_model() -> None:
    """A rule without a prefix has the family of the instance."""
    text = INSTANCE + (
        "virtual_rules: [{priority: 1000, from: 10.5.0.0/24, table: 100},"
        " {priority: 1001, to: '2001:db8::/32', type: prohibit, input_device: eth0},"
        " {priority: 1002, fwmark: 5, fwmask: 255, output_device: eth1, table: main}]}]"
    )
    (instance,) = parse(text.encode(), "f", "host").vrrp
    assert instance.virtual_rules == (
        VirtualRule(source="10.5.0.0/24", destination="0.0.0.0/0", priority=1000, table=100),
        VirtualRule(
            source="::/0",
            destination="2001:db8::/32",
            priority=1001,
            kind="prohibit",
            input_device="eth0",
        ),
        VirtualRule(
            source="0.0.0.0/0",
            destination="0.0.0.0/0",
            priority=1002,
            table=254,
            output_device="eth1",
            mark=5,
            mask=255,
        ),
    )


@pytest.mark.parametrize(
    ("route", "fault"),
    [
        (
            "destination: 10.6.0.1/16, device: e",
            '0].destination: wrong value (got "10.6.0.1/16", expected a prefix such as 10.0.0.0/8,'
            " with no bit set beyond its length)",
        ),
        ("destination: 10.6.0.0/16", "0]: a route needs a gateway, a device or nexthops"),
        ("device: e", '0]: the key "destination" is missing'),
        (
            "destination: 10.6.0.0/16, device: e, via: 10.0.0.1",
            '0]: unknown key "via" (expected one of destination, device, gateway, metric,'
            " nexthops, on_link, scope, source, table, type)",
        ),
        (
            "destination: 10.6.0.0/16, gateway: '2001:db8::1'",
            "0].gateway: wrong value (got 2001:db8::1, expected an IPv4 address like the"
            " destination)",
        ),
        (
            "destination: '2001:db8::/32', device: e, source: 10.0.0.1",
            "0].source: wrong value (got 10.0.0.1, expected an IPv6 address like the destination)",
        ),
        (
            "destination: default, gateway: 'fe80::1'",
            "0].gateway: a link-local gateway needs a device",
        ),
        (
            "destination: '2001:db8::/32', device: e, scope: link",
            "0].scope: IPv6 routes have no scope; leave this out",
        ),
        (
            "destination: 10.6.0.0/16, type: blackhole, device: e",
            "0].device: a route of type blackhole forwards no packets; leave this out",
        ),
        (
            "destination: 10.6.0.0/16, device: e, on_link: true",
            "0].on_link: on_link needs a gateway and a device",
        ),
        (
            "destination: 10.6.0.0/16, device: e, table: local",
            '0].table: wrong value (got "local", expected main, default or a whole number from 1'
            " to 4294967295)",
        ),
        (
            "destination: default, device: e}, {destination: 0.0.0.0/0, gateway: 10.0.0.2",
            "1]: duplicate route to 0.0.0.0/0 with this table and metric, first at"
            " vrrp[0].virtual_routes[0]",
        ),
        ("destination: default, device: e}, {destination: default, device: e, metric: 1", ""),
        (
            "destination: 10.6.0.0/16, nexthops: [{gateway: 10.0.0.1}, {gateway: '2001:db8::1'}]",
            "0].nexthops[1].gateway: wrong value (got 2001:db8::1, expected an IPv4 address like"
            " the destination)",
        ),
        (
            "destination: 10.6.0.0/16, device: e, nexthops: [{device: e}, {device: f}]",
            "0].device: each of the nexthops has its own device; leave this out",
        ),
        (
            "destination: 10.6.0.0/16, nexthops: [{gateway: 10.0.0.1}]",
            "0].nexthops: a route has 2 to 32 nexthops (got 1; for a single next hop, use gateway)",
        ),
        (
            "destination: 10.6.0.0/16, nexthops: [{device: e}, {weight: 2}]",
            "0].nexthops[1]: a next hop needs a gateway or a device",
        ),
        (
            "destination: '2001:db8::/32', nexthops: [{gateway: '2001:db8::1'}, {device: e}]",
            "0].nexthops[1]: a next hop needs a gateway",
        ),
        (
            "destination: default,"
            " nexthops: [{gateway: 'fe80::1', device: e}, {gateway: 'fe80::2'}]",
            "0].nexthops[1].gateway: a link-local gateway needs a device",
        ),
        (
            "destination: default, nexthops: [{gateway: 10.0.0.1}, {gateway: 10.0.0.1, weight: 9}]",
            "0].nexthops[1]: duplicate next hop, first at vrrp[0].virtual_routes[0].nexthops[0]",
        ),
        (
            "destination: default, nexthops: [{device: e, weight: 257}, {device: f}]",
            "0].nexthops[0].weight: wrong value (got 257, expected a whole number from 1 to 256)",
        ),
        (
            "destination: default, type: prohibit, nexthops: [{device: e}, {device: f}]",
            "0].nexthops: a route of type prohibit forwards no packets; leave this out",
        ),
    ],
)
def test_a_fault_of_a_route(faults_of: FaultsOf, route: str, fault: str) -> None:
    """Keys that the kernel would refuse or ignore. An empty fault stands for a valid file."""
    faults = faults_of(f"{INSTANCE}virtual_routes: [{{{route}}}]}}]")
    assert [each.partition("vrrp[0].virtual_routes[")[2] for each in faults] == [fault] * bool(
        fault
    )


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        ("from: 10.5.0.0/24, table: 100", '0]: the key "priority" is missing'),
        ("priority: 1000, from: 10.5.0.0/24", "0]: a rule needs either a table or a type"),
        ("priority: 1, table: 5, type: prohibit", "0]: a rule needs either a table or a type"),
        (
            "priority: 1000, table: 5, from: 10.5.0.0/24, to: '2001:db8::/32'",
            "0].to: wrong value (got 2001:db8::/32, expected an IPv4 prefix like the key from)",
        ),
        (
            "priority: 1000, table: 5, from: default",
            '0].from: wrong value (got "default", expected a prefix such as 10.0.0.0/8, with no bit'
            " set beyond its length)",
        ),
        ("priority: 1000, table: 5, fwmask: 255", "0].fwmask: fwmask needs a fwmark"),
        (
            "priority: 1000, table: 5, form: 10.5.0.0/24",
            '0]: unknown key "form", did you mean "from"?',
        ),
        (
            "priority: 0, table: 5",
            "0].priority: wrong value (got 0, expected a whole number from 1 to 4294967295)",
        ),
        (
            "priority: 7, table: 5}, {priority: 7, table: 5",
            "1]: duplicate rule, first at vrrp[0].virtual_rules[0]",
        ),
        ("priority: 7, table: 5}, {priority: 7, table: 5, from: 10.5.0.0/24", ""),
    ],
)
def test_a_fault_of_a_rule(faults_of: FaultsOf, rule: str, fault: str) -> None:
    """Keys that the kernel would refuse or ignore. An empty fault stands for a valid file."""
    faults = faults_of(f"{INSTANCE}virtual_rules: [{{{rule}}}]}}]")
    assert [each.partition("vrrp[0].virtual_rules[")[2] for each in faults] == [fault] * bool(fault)


def test_a_fault_has_its_place(faults_of: FaultsOf) -> None:
    rules = "virtual_rules: [{priority: 1000, table: 5, from: default}]}]"
    (fault,) = faults_of(INSTANCE + rules)
    assert fault.startswith("2:50: vrrp[0].virtual_rules[0].from: ")


def test_the_number_of_routes_and_rules_is_limited(faults_of: FaultsOf) -> None:
    routes = ", ".join(f"{{destination: 10.6.{each}.0/24, device: e}}" for each in range(101))
    rules = ", ".join(f"{{priority: {each}, table: 5}}" for each in range(1, 102))
    faults = faults_of(f"{INSTANCE}virtual_routes: [{routes}],\nvirtual_rules: [{rules}]}}]")
    assert faults == [
        "2:17: vrrp[0].virtual_routes: wrong number (got 101, expected at most 100)",
        "3:16: vrrp[0].virtual_rules: wrong number (got 101, expected at most 100)",
    ]
