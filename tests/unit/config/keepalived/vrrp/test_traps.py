"""What keepalived does with a value, and what differs here: the traps of a change of program."""

from __future__ import annotations

import pytest

from tests.unit.config.keepalived.reading import read


def instance(lines: str, *, name: str = "VI_1", vrid: int = 51) -> str:
    """Return an instance with some lines, which begin at line 5."""
    return f"""\
vrrp_instance {name} {{
interface eth0
virtual_router_id {vrid}
virtual_ipaddress {{
10.0.0.{vrid}
}}
{lines}
}}
"""


def script(name: str, *lines: str) -> str:
    inner = "\n".join(lines)
    return f"vrrp_script {name} {{\n{inner}\n}}\n"


TRACKS_CHECK = instance("track_script {\ncheck\n}")
CHECK = {
    "script": "/usr/local/bin/check",
    "interval": "1s",
    "timeout": "1s",
    "rise": 1,
    "fall": 1,
    "user": "root",
}


def test_the_defaults_of_keepalived_are_written_out() -> None:
    found = read(script("check", "script /usr/local/bin/check") + TRACKS_CHECK)
    assert found.faults == []
    assert found.notes == []
    assert found.value == {
        "vrrp": [
            {
                "name": "VI_1",
                "interface": "eth0",
                "virtual_router_id": 51,
                "version": 2,
                "priority": 100,
                "address_mismatch": "accept",
                "virtual_addresses": ["10.0.0.51"],
                "track": [CHECK],
            }
        ]
    }


def test_own_defaults_are_not_written_out() -> None:
    found = read(script("check", "script /usr/local/bin/check") + TRACKS_CHECK, own_defaults=True)
    assert found.faults == []
    assert found.instance == {
        "name": "VI_1",
        "interface": "eth0",
        "virtual_router_id": 51,
        "virtual_addresses": ["10.0.0.51"],
        "track": [{"script": "/usr/local/bin/check"}],
    }


# 1. Order


def test_a_script_below_its_instance_is_tracked_with_a_note() -> None:
    found = read(TRACKS_CHECK + script("check", "script /usr/local/bin/check"))
    assert found.instance["track"] == [CHECK]
    assert found.notes == [
        (
            "order",
            "8:1: vrrp_instance VI_1: track_script: check is tracked; keepalived does not find"
            " the definition, because it is below this line",
        )
    ]


def test_a_script_user_reaches_only_the_scripts_below() -> None:
    above = script("above", "script /bin/above")
    users = "global_defs {\nscript_user nginx\n}\n"
    below = script("below", "script /bin/below")
    found = read(above + users + below + instance("track_script {\nabove\nbelow\n}"))
    assert [(track["script"], track["user"]) for track in found.instance["track"]] == [
        ("/bin/above", "root"),
        ("/bin/below", "nginx"),
    ]


def test_some_global_values_reach_only_the_instances_below() -> None:
    settings = """\
global_defs {
v3_checksum_as_v2
vrrp_down_timer_adverts 5
vrrp_version 3
}
"""
    found = read(instance("") + settings + instance("", name="VI_2", vrid=52))
    first, second = found.value["vrrp"]
    assert (first["version"], second["version"]) == (3, 3)
    assert (first.get("checksum"), second.get("checksum")) == (None, "rfc9568")
    assert (first.get("down_timer_adverts"), second.get("down_timer_adverts")) == (None, 5)
    assert found.faults == []


def test_a_second_instance_of_the_same_name_is_left_out() -> None:
    found = read(instance("") + instance("priority 90", vrid=52))
    assert [each["virtual_router_id"] for each in found.value["vrrp"]] == [51]
    assert found.notes == [
        (
            "second name",
            "9:1: vrrp_instance VI_1: another instance has this name already: this instance is"
            " left out, as"
            " in keepalived",
        )
    ]


# 2. The election


@pytest.mark.parametrize(
    ("lines", "preempt", "notes"),
    [
        ("state BACKUP\nnopreempt", False, []),
        (
            "state MASTER\npriority 100\nnopreempt",
            True,
            [
                "9:1: vrrp_instance VI_1: nopreempt: state MASTER overrides it, as in"
                " keepalived: the instance preempts"
            ],
        ),
        (
            "state BACKUP\npriority 255\nnopreempt",
            True,
            [
                "9:1: vrrp_instance VI_1: nopreempt: priority 255 overrides it, as in"
                " keepalived: the instance preempts"
            ],
        ),
        ("nopreempt\npreempt", True, []),
        ("preempt_delay 300", {"delay": "300s"}, []),
        (
            "nopreempt\npreempt_delay 300",
            False,
            ["8:1: vrrp_instance VI_1: preempt_delay: nopreempt overrides it, as in keepalived"],
        ),
        (
            "state MASTER\npriority 9\npreempt_delay 3",
            None,
            ["9:1: vrrp_instance VI_1: preempt_delay: state MASTER overrides it, as in keepalived"],
        ),
    ],
)
def test_state_master_and_priority_255_void_nopreempt(
    lines: str, preempt: object, notes: list[str]
) -> None:
    found = read(instance(lines))
    assert found.faults == []
    assert found.instance.get("preempt") == preempt
    assert [note for _, note in found.notes] == notes


@pytest.mark.parametrize(
    ("state", "priority", "note"),
    [
        (
            "MASTER",
            255,
            "1:1: vrrp_instance VI_1: state MASTER without a priority means priority 255, as in"
            " keepalived",
        ),
        ("SLAVE", 100, '7:7: vrrp_instance VI_1: state: "SLAVE" means BACKUP, as in keepalived'),
        ("backup", 100, '7:7: vrrp_instance VI_1: state: "backup" means BACKUP, as in keepalived'),
    ],
)
def test_the_state_decides_the_default_priority(state: str, priority: int, note: str) -> None:
    found = read(instance(f"state {state}"))
    assert found.instance["priority"] == priority
    assert [text for _, text in found.notes] == [note]


@pytest.mark.parametrize(
    ("version", "written", "interval"),
    [
        (2, "0.5", "1s"),
        (2, "1.4", "1s"),
        (2, "2.5", "3s"),
        (2, "0.2", "1s"),
        (3, "0.5", "500ms"),
        (3, "0.014", "10ms"),
        (3, "60", "40.95s"),
    ],
)
def test_the_interval_is_rounded_as_in_keepalived(
    version: int, written: str, interval: str
) -> None:
    found = read(instance(f"version {version}\nadvert_int {written}"))
    assert found.faults == []
    assert found.instance["advert_interval"] == interval
    assert len(found.notes) == (0 if written == "0.5" and version == 3 else 1)


# 3. Passwords and strict mode


def test_a_long_password_is_cut_and_never_shown() -> None:
    found = read(instance("authentication {\nauth_type PASS\nauth_pass swordfish99\n}"))
    assert found.instance["authentication"] == {"type": "pass", "password": "swordfis"}
    assert found.notes == [
        (
            "auth_pass",
            "9:11: vrrp_instance VI_1: authentication: auth_pass: only the first 8 bytes are used,"
            " as in keepalived",
        )
    ]


@pytest.mark.parametrize("lines", ["version 3", "virtual_ipaddress {\nfe80::1\n}"])
def test_a_password_of_version_3_is_left_out(lines: str) -> None:
    text = "vrrp_instance V {\ninterface eth0\nvirtual_router_id 5\n"
    block = "authentication {\nauth_type PASS\nauth_pass secret\n}\n"
    address = "" if "fe80" in lines else "virtual_ipaddress {\n10.0.0.1\n}\n"
    found = read(f"{text}{block}{lines}\n{address}}}")
    assert found.faults == []
    assert "authentication" not in found.instance
    assert [note for _, note in found.notes] == [
        "4:1: vrrp_instance V: authentication is left out: version 3 has no passwords, and"
        " keepalived ignores it too"
    ]


def test_authentication_by_ah_is_refused() -> None:
    found = read(instance("authentication {\nauth_type AH\nauth_pass secret\n}"))
    assert found.faults == [
        "8:11: vrrp_instance VI_1: authentication: auth_type: the current RFC of VRRP does not"
        " define AH; use"
        " auth_hmac on all directors"
    ]


STRICT = "global_defs {\nvrrp_strict\n}\n"


def test_strict_mode_is_refused_because_of_its_firewall() -> None:
    assert read(STRICT + instance("")).faults == [
        "2:1: vrrp_instance VI_1: vrrp_strict: keepalived drops all packets to the virtual"
        " addresses, and hadirector does not; remove vrrp_strict, or drop the packets by a rule of"
        " nftables and use --accept vrrp_strict"
    ]
    assert read(STRICT + instance("priority 255")).faults == []


def test_an_accepted_strict_mode_has_its_other_effects() -> None:
    lines = """\
state MASTER
priority 150
nopreempt
authentication {
auth_type PASS
auth_pass secret
}"""
    found = read(STRICT + instance(lines), accepted="vrrp_strict")
    assert found.faults == []
    # Only the address owner begins as MASTER, so nothing voids nopreempt.
    assert found.instance["preempt"] is False
    assert "authentication" not in found.instance


# 4. Transport and addresses


def test_an_empty_list_of_peers_is_multicast() -> None:
    found = read(instance("unicast_src_ip 10.0.0.1\nunicast_peer {\n}"))
    assert found.faults == []
    assert "unicast" not in found.instance
    assert found.instance["source"] == "10.0.0.1"
    assert [note for _, note in found.notes] == [
        "8:1: vrrp_instance VI_1: unicast_peer is empty: advertisements are multicast, as in"
        " keepalived"
    ]


def test_a_source_with_a_length_is_the_first_address_of_the_interface() -> None:
    found = read(instance("unicast_src_ip 10.0.0.1/24\nunicast_peer {\n10.0.0.2\n}"))
    assert found.faults == []
    assert found.instance["unicast"] == {"peers": ["10.0.0.2"]}
    assert found.notes == [
        (
            "source",
            "7:16: vrrp_instance VI_1: unicast_src_ip: 10.0.0.1/24 is not an address, so"
            " keepalived uses the first address of the interface",
        )
    ]


def test_unicast_without_a_source_has_the_source_of_the_interface_as_in_keepalived() -> None:
    found = read(instance("unicast_peer {\n10.0.0.2\n}"))
    assert (found.faults, found.notes) == ([], [])
    assert found.instance["unicast"] == {"peers": ["10.0.0.2"]}


def test_ipv6_peers_are_accepted_with_the_hop_limit_that_keepalived_sends() -> None:
    text = """\
vrrp_instance V6 {
interface eth0
virtual_router_id 6
unicast_src_ip 2001:db8::1
unicast_peer {
2001:db8::2
}
virtual_ipaddress {
2001:db8::100/64
}
}
"""
    found = read(text)
    assert found.faults == []
    assert found.instance["version"] == 3
    assert found.instance["unicast"] == {
        "source": "2001:db8::1",
        "peers": ["2001:db8::2"],
        "ttl_min": 64,
    }


def test_an_address_on_another_interface_makes_the_interface_count() -> None:
    text = """\
vrrp_instance V {
interface eth0
virtual_router_id 5
virtual_ipaddress {
10.0.0.1/24 dev eth1
10.0.0.2/24 dev eth2 no_track
10.0.0.3/24 dev eth0
}
track_interface {
eth1 weight -10
}
}
"""
    found = read(text)
    assert found.faults == []
    assert found.instance["track"] == [{"interface": "eth1"}]
    assert [note for _, note in found.notes] == [
        "10:1: vrrp_instance V: eth1: an address or a route uses this interface, so its weight"
        " has no effect"
    ]


@pytest.mark.parametrize("line", ["check weight=0", "check weight"])
def test_a_malformed_weight_is_not_tracked(line: str) -> None:
    text = script("check", "script /bin/check") + instance(f"track_script {{\n{line}\n}}")
    found = read(text)
    assert found.faults == []
    assert "track" not in found.instance
    assert [kind for kind, _ in found.notes] == ["not tracked"]


@pytest.mark.parametrize(("weight", "limited"), [("254", 253), ("-254", -253), ("-20", -20)])
def test_a_weight_is_limited(weight: str, limited: int) -> None:
    lines = f"track_interface {{\neth1 weight {weight}\n}}"
    assert read(instance(lines)).instance["track"] == [{"interface": "eth1", "weight": limited}]


def test_a_reversed_weight_counts_in_the_other_state() -> None:
    lines = "track_interface {\neth1 weight -50 reverse\neth2 weight 50 reverse\n}"
    found = read(instance(lines))
    assert found.faults == []
    assert found.instance["track"] == [
        {"interface": "eth1", "weight": 50, "weight_when": "down"},
        {"interface": "eth2", "weight": -50, "weight_when": "up"},
    ]


def test_the_first_sync_daemon_counts() -> None:
    first = instance("lvs_sync_daemon_interface eth1")
    second = instance("lvs_sync_daemon_interface eth2", name="VI_2", vrid=52)
    found = read(first + second)
    assert found.faults == []
    assert found.value["sync_daemon"] == {"interface": "eth1", "instance": "VI_1"}
    assert [note for _, note in found.notes] == [
        "15:1: vrrp_instance VI_2: lvs_sync_daemon_interface is left out, as in keepalived:"
        " only the first line has an effect"
    ]
