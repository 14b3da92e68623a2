"""The devices of the addresses of an instance with use_vmac, as keepalived 2.2.7 selects them."""

from __future__ import annotations

from tests.unit.config.keepalived.reading import read


def instance(addresses: str, excluded: str) -> str:
    return f"""\
vrrp_instance VI_1 {{
interface eth0
virtual_router_id 51
use_vmac
virtual_ipaddress {{
{addresses}
}}
virtual_ipaddress_excluded {{
{excluded}
}}
}}
"""


def test_the_interface_of_the_instance_means_the_macvlan() -> None:
    found = read(instance("10.0.0.51/24 dev eth0\n10.0.0.52 dev eth1 scope link", "10.0.0.53"))
    assert found.faults == []
    assert found.instance["virtual_mac"] == {"name": "vrrp.51"}
    assert found.instance["virtual_addresses"] == [
        "10.0.0.51/24",
        {"address": "10.0.0.52", "device": "eth1", "scope": "link"},
    ]
    assert found.instance["unadvertised_addresses"] == ["10.0.0.53"]


def test_an_address_of_the_other_ip_version_is_beside_the_macvlan() -> None:
    found = read(instance("10.0.0.51", "2001:db8::1/64\n2001:db8::2 dev eth0"))
    assert found.faults == []
    assert found.instance["unadvertised_addresses"] == [
        {"address": "2001:db8::1/64", "device": "eth0"},
        {"address": "2001:db8::2", "device": "eth0"},
    ]


def test_an_address_on_the_macvlan_has_no_label() -> None:
    found = read(instance("10.0.0.51 label eth0:web", "10.0.0.52 dev eth1 label eth1:web"))
    assert found.faults == []
    assert found.notes == [
        (
            "label",
            "6:17: vrrp_instance VI_1: 10.0.0.51: label eth0:web is left out: the address is"
            " on the macvlan",
        ),
    ]
    assert found.instance["virtual_addresses"] == ["10.0.0.51"]
    assert found.instance["unadvertised_addresses"] == [
        {"address": "10.0.0.52", "device": "eth1", "label": "eth1:web"}
    ]
