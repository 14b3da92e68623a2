"""Static addresses, routes and rules, which are translated under `--accept static` only."""

from __future__ import annotations

from tests.unit.config.keepalived.reading import read
from tests.unit.config.keepalived.vrrp.test_corpus import text_of
from tests.unit.config.keepalived.vrrp.test_traps import instance

REMEDY = (
    "write the entries into the network configuration of the host, such as systemd-networkd or"
    " ifupdown, or use --accept static, so that hadirector keeps them in every state;"
    " --accept static_routes leaves the keyword out"
)


def test_without_acceptance_each_list_is_refused_with_the_remedy() -> None:
    found = read("static_routes {\n10.6.0.0/16 dev eth1\n}\n" + instance(""))
    assert found.faults == [f"1:1: top level: static_routes: {REMEDY}"]


def test_a_list_can_be_left_out_alone() -> None:
    found = read(
        "static_routes {\n10.6.0.0/16 dev eth1\n}\n" + instance(""), accepted="static_routes"
    )
    assert not found.faults
    assert "static" not in found.value
    left_out = read(
        "static_ipaddress {\n10.6.0.1/16\n}\nstatic_routes {\n10.6.0.0/16 dev eth1\n}\n"
        + instance(""),
        accepted="static static_routes",
    )
    assert left_out.value["static"] == {"addresses": [{"address": "10.6.0.1/16", "device": "eth0"}]}


def test_the_items_of_an_accepted_file_are_translated() -> None:
    """`default_interface` is the device of addresses below it. A rule gets the first priority."""
    text = (
        "static_ipaddress {\n10.6.0.1/24 brd 10.6.0.255 label eth0:1\n}\n"
        "global_defs {\ndefault_interface eth7\n}\n"
        "static_ipaddress {\n10.6.0.2/24\n2001:db8::1/64 dev eth1 no_track\n}\n"
        "static_routes {\n10.7.0.0/16 via 10.6.0.9 or 10.6.0.8\n}\n"
        "static_rules {\nfrom 10.6.0.0/24 table 100\nfrom 2001:db8::/64 table 100\n}\n"
    )
    rules = "virtual_rules {\nto 10.0.0.0/8 table 100\n}"
    found = read(text + instance(rules), accepted="static")
    assert found.faults == []
    assert found.value["static"] == {
        "addresses": [
            {"address": "10.6.0.1/24", "device": "eth0", "label": "eth0:1"},
            {"address": "10.6.0.2/24", "device": "eth7"},
            {"address": "2001:db8::1/64", "device": "eth1"},
        ],
        "routes": [
            {
                "destination": "10.7.0.0/16",
                "nexthops": [{"gateway": "10.6.0.9"}, {"gateway": "10.6.0.8"}],
            }
        ],
        "rules": [
            {"from": "10.6.0.0/24", "table": 100, "priority": 16384},
            {"from": "2001:db8::/64", "table": 100, "priority": 16384},
        ],
    }
    assert [rule["priority"] for rule in found.instance["virtual_rules"]] == [16383]
    assert [kind for kind, _ in found.notes] == ["broadcast", "no_track", *["rule priority"] * 3]


def test_a_track_group_tracks_the_devices_of_its_items() -> None:
    """As in keepalived, an instance has a fault without them. Its own interface counts anyway."""
    text = (
        "track_group links {\ngroup {\nVI_1\nVI_2\n}\n}\n"
        "static_ipaddress {\n10.6.0.1/24 dev eth1 track_group links\n"
        "10.6.0.2/24 dev eth0 track_group links\n10.6.0.3/24 dev eth4 track_group none\n}\n"
        "static_routes {\ntrack_group links 10.7.0.0/16 dev eth2\n"
        "10.8.0.0/16 via 10.6.0.9 track_group links\n}\n"
        "static_rules {\niif eth3 table 100 priority 5 track_group links\n}\n"
    )
    pair = instance("") + instance("", name="VI_2", vrid=52)
    found = read(text + pair, accepted="static")
    assert found.faults == []
    for each in found.value["vrrp"]:
        assert each["track"] == [{"interface": name} for name in ("eth1", "eth2", "eth3")]
    assert [note for kind, note in found.notes if kind == "track_group"] == [
        "10:34: track_group none is left out, as in keepalived: there is no such group",
        "14:38: track_group links is left out, as in keepalived: it needs dev, not no_track",
    ]
    unknown = read(instance("virtual_routes {\n10.7.0.0/16 dev eth1 track_group links\n}"))
    assert "track_group: a virtual route does not support this word" in unknown.faults[0]


def test_the_file_of_the_corpus_is_translated() -> None:
    found = read(text_of("static"), accepted="static")
    assert found.faults == []
    assert sorted(found.value["static"]) == ["addresses", "routes", "rules"]
