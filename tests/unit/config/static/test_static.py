"""Static addresses, routes and rules: the model, and the faults."""

from collections.abc import Callable

import pytest

from hadirector.config.loader import parse
from hadirector.reload.plan import plan
from vrrp.model.configuration import Placement, VirtualRoute, VirtualRule
from vrrp.model.static_items import StaticItems

FaultsOf = Callable[[str], list[str]]

INSTANCE = (
    "vrrp: [{name: a, interface: eth0, virtual_router_id: 1, virtual_addresses: [10.0.0.1/24],"
    " virtual_routes: [{destination: 10.9.0.0/16, gateway: 10.0.0.9}]}]\n"
)


def test_the_keys_reach_the_model_and_the_plan() -> None:
    """A route or a rule without an address is of IPv4."""
    text = INSTANCE + (
        "static: {addresses: [{address: 10.60.0.1/24, device: eth1, label: 'eth1:a', scope: link},"
        " {address: '2001:db8::1', device: eth0}], routes: [{destination: default, device: eth1},"
        " {destination: '2001:db8:9::/48', gateway: 'fe80::1', device: eth0}],"
        " rules: [{priority: 5, fwmark: 1, table: 100}]}"
    )
    configuration = parse(text.encode(), "f", "host")
    assert configuration.static == StaticItems(
        addresses=(
            Placement("10.60.0.1/24", device="eth1", label="eth1:a", scope=253),
            Placement("2001:db8::1/128", device="eth0"),
        ),
        routes=(
            VirtualRoute(destination="0.0.0.0/0", device="eth1", scope=253),
            VirtualRoute(
                destination="2001:db8:9::/48", gateway="fe80::1", device="eth0", metric=1024
            ),
        ),
        rules=(
            VirtualRule(source="0.0.0.0/0", destination="0.0.0.0/0", priority=5, mark=1, table=100),
        ),
    )
    without = parse(INSTANCE.encode(), "f", "host")
    assert without.static == StaticItems()
    assert plan(without, configuration).summary == "change the static items"


def test_a_virtual_server_may_have_a_static_address() -> None:
    servers = (
        "virtual_servers:"
        " [{name: s, address: '10.60.0.1:80', real_servers: [{address: 10.1.0.1}]}]\n"
    )
    unheld = parse((INSTANCE + servers).encode(), "f", "host").unheld_addresses
    assert [each.address for each in unheld] == ["10.60.0.1"]
    static = "static: {addresses: [{address: 10.60.0.1/24, device: eth1}]}\n"
    assert parse((INSTANCE + servers + static).encode(), "f", "host").unheld_addresses == ()


@pytest.mark.parametrize(
    ("static", "fault"),
    [
        ("addresses: [{address: 10.60.0.1/24}]", 'addresses[0]: the key "device" is missing'),
        (
            "addresses: [{address: 10.0.0.1/24, device: eth0}]",
            "addresses[0]: 10.0.0.1 on eth0 moves with the VRRP instance a; leave it out here",
        ),
        ("addresses: [{address: 10.0.0.1/24, device: eth1}]", ""),
        (
            "addresses: [{address: 10.6.0.1/24, device: e}, {address: 10.6.0.1, device: e}]",
            "addresses[1]: duplicate address 10.6.0.1 on e, first at static.addresses[0]",
        ),
        (
            "addresses: [{address: 10.6.0.1/24, device: eth1, label: web}]",
            'addresses[0].label: wrong value (got "web", expected a label that begins with the'
            " name of the interface, such as eth1:web)",
        ),
        (
            "routes: [{destination: 10.9.0.0/16, device: eth1}]",
            "routes[0]: duplicate route to 10.9.0.0/16 with this table and metric, first at"
            " vrrp[0].virtual_routes[0]",
        ),
        ("routes: [{destination: 10.9.0.0/16, device: eth1, metric: 1}]", ""),
        (
            "rules: [{priority: 5, from: 10.0.0.0/8}]",
            "rules[0]: a rule needs either a table or a type",
        ),
    ],
)
def test_a_fault_of_a_static_item(faults_of: FaultsOf, static: str, fault: str) -> None:
    """An empty fault stands for a valid file."""
    faults = faults_of(f"{INSTANCE}static: {{{static}}}")
    assert [each.partition("static.")[2] for each in faults] == [fault] * bool(fault)


def test_the_numbers_of_static_items_are_limited(faults_of: FaultsOf) -> None:
    addresses = ", ".join(
        f"{{address: 10.{number // 256}.{number % 256}.1, device: e}}" for number in range(1001)
    )
    routes = ", ".join(f"{{destination: 10.200.{number}.0/24, device: e}}" for number in range(101))
    faults = faults_of(f"{INSTANCE}static: {{addresses: [{addresses}], routes: [{routes}]}}")
    assert [each.partition("static.")[2] for each in faults] == [
        "addresses: wrong number (got 1001, expected at most 1000)",
        "routes: wrong number (got 101, expected at most 100)",
    ]
