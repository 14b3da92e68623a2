"""The native form of instances, routes, rules, delays and groups."""

from __future__ import annotations

import pytest

from tests.unit.config.keepalived.reading import read
from tests.unit.config.keepalived.vrrp.test_corpus import text_of
from tests.unit.config.keepalived.vrrp.test_traps import TRACKS_CHECK, instance, script


def test_routes_and_rules_are_read_in_any_order_of_their_words() -> None:
    found = read(text_of("routes-and-rules")).instance
    assert found["virtual_routes"] == [
        {
            "source": "10.33.0.1",
            "destination": "192.168.100.0/24",
            "gateway": "10.33.0.254",
            "device": "eth1",
        },
        {
            "destination": "192.168.101.0/24",
            "gateway": "10.33.0.253",
            "metric": 5,
            "table": 100,
            "on_link": True,
            "device": "eth1",
        },
        {"type": "blackhole", "destination": "192.168.102.0/24"},
        {"destination": "default", "gateway": "10.33.0.254", "scope": "global"},
    ]
    assert found["virtual_rules"] == [
        {"from": "192.168.100.0/24", "table": 100, "priority": 2000},
        {"fwmark": 16, "fwmask": 255, "to": "10.99.0.0/16", "table": "main", "priority": 16384},
        {"input_device": "eth1", "type": "blackhole", "priority": 2001},
    ]


def test_next_hops_are_read_from_or_and_from_nexthop() -> None:
    """The address of `via` moves to the first of the two next hops of `or`."""
    found = read(
        instance(
            "virtual_routes {\n10.6.0.0/16 via 10.0.0.1 or 10.0.0.2 table 7\n"
            "10.7.0.0/16 metric 5 nexthop via inet 10.0.0.1 dev eth1 weight 2 onlink"
            " nexthop via 10.0.0.2\n10.8.0.0/16 nexthop via 10.0.0.3 dev eth1 weight 9\n}"
        )
    ).instance
    assert found["virtual_routes"] == [
        {
            "destination": "10.6.0.0/16",
            "nexthops": [{"gateway": "10.0.0.1"}, {"gateway": "10.0.0.2"}],
            "table": 7,
        },
        {
            "destination": "10.7.0.0/16",
            "metric": 5,
            "nexthops": [
                {"gateway": "10.0.0.1", "device": "eth1", "weight": 2, "on_link": True},
                {"gateway": "10.0.0.2"},
            ],
        },
        {"destination": "10.8.0.0/16", "gateway": "10.0.0.3", "device": "eth1"},
    ]


@pytest.mark.parametrize(
    ("route", "fault"),
    [
        ("10.6.0.0/16 or 10.0.0.2", "or: expected as via ADDRESS or ADDRESS, once"),
        ("10.6.0.0/16 via 10.0.0.1 or", "or: expected as via ADDRESS or ADDRESS, once"),
        (
            "10.6.0.0/16 via 10.0.0.1 or 10.0.0.2 or 10.0.0.3",
            "or: expected as via ADDRESS or ADDRESS, once",
        ),
        (
            "10.6.0.0/16 nexthop via 10.0.0.1 realms 4",
            "realms: a virtual route does not support this word; add the route by a notify"
            " script, or leave"
            " it out",
        ),
        (
            'src 10.0.0.1 to 10.6.0.0/16 ""',
            '"": a virtual route does not support this word; add the route by a notify'
            " script, or leave it out",
        ),
    ],
)
def test_a_fault_of_next_hops(route: str, fault: str) -> None:
    faults = read(instance(f"virtual_routes {{\n{route}\n}}")).faults
    assert [each.partition("VI_1: ")[2] for each in faults] == [fault]


def test_rules_without_a_priority_count_down_over_all_instances() -> None:
    rules = "virtual_rules {\nfrom 10.0.0.0/8 table 100\nto 10.0.0.0/8 table 100\n}"
    found = read(instance(rules) + instance(rules, name="VI_2", vrid=52))
    priorities = [
        rule["priority"] for each in found.value["vrrp"] for rule in each["virtual_rules"]
    ]
    assert priorities == [16384, 16383, 16382, 16381]


def test_ipv4_peers_need_no_lower_ttl() -> None:
    found = read(text_of("unicast-cloud"))
    assert found.instance["unicast"] == {
        "source": "10.0.1.11",
        "peers": ["10.0.1.12", "10.0.1.13"],
    }


def test_a_delay_that_outlasts_the_peer_is_void() -> None:
    delays = "interface_up_down_delays {\neth0 2\n}\n"
    found = read(instance("") + delays)
    assert "flap_delay" not in found.instance
    assert [note for _, note in found.notes] == [
        "1:1: vrrp_instance VI_1: interface_up_down_delays: 2 has no effect, as in keepalived:"
        " the delay is not less than 2s"
    ]


def test_pidof_becomes_a_process() -> None:
    found = read(script("check", "script /bin/pidof") + TRACKS_CHECK)
    assert found.instance["track"][0]["script"] == "/bin/pidof"
    found = read(script("check", 'script "pidof nginx"') + TRACKS_CHECK)
    assert found.instance["track"] == [{"process": "nginx"}]


def test_an_instance_is_in_its_first_group_only() -> None:
    groups = "vrrp_sync_group A {\ngroup {\na\nb\n}\n}\nvrrp_sync_group B {\ngroup { \nb\nc\n}\n}\n"
    members = "".join(instance("", name=name, vrid=vrid) for vrid, name in enumerate("abc", 1))
    found = read(groups + members)
    assert found.faults == []
    assert found.value["sync_groups"] == [{"name": "A", "instances": ["a", "b"]}]
    assert [kind for kind, _ in found.notes] == ["two groups", "group of one"]


def test_weights_in_a_group_count_only_if_the_group_says_so() -> None:
    first, _, third, _ = read(text_of("sync-group-weights")).value["vrrp"]
    assert [(each["script"], each["weight"]) for each in first["track"]] == [
        ("/usr/local/bin/check_uplink", -30)
    ]
    assert third["track"] == [{"interface": "eth2"}, {"file": "/etc/keepalived/maintenance"}]


def test_a_weight_of_the_own_interface_replaces_ignored_carrier() -> None:
    crossover, weighted = read(text_of("direct-cable")).value["vrrp"]
    assert crossover["ignore_carrier"] is True
    assert "ignore_carrier" not in weighted
    assert weighted["track"] == [{"interface": "eth2", "weight": -50}]


def test_an_address_owner_has_no_weights() -> None:
    lines = "priority 255\ntrack_interface {\neth1 weight -10\neth2\n}"
    found = read(instance(lines))
    assert found.instance["track"] == [{"interface": "eth2"}]
    assert [note for _, note in found.notes] == [
        "9:1: vrrp_instance VI_1: track_interface: eth1: it is not tracked, as in keepalived,"
        " because of priority 255"
    ]
