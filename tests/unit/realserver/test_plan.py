"""The settings of a host as a real server behind dr or tun."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest

from hadirector.realserver import unit
from hadirector.realserver.plan import Method, PlanError, settings

FOUR = IPv4Address("192.0.2.10")
SIX = IPv6Address("2001:db8::10")


def descriptions(method: Method, *addresses: IPv4Address | IPv6Address) -> list[str]:
    found = settings(method, addresses, "eth0", IPv4Address("192.0.2.20"))
    return [str(setting).partition(" (")[0] for setting in found]


def test_the_loopback_gets_the_address_after_arp_is_restricted() -> None:
    assert descriptions(Method.LOOPBACK, FOUR, SIX) == [
        "net/ipv4/conf/all/arp_ignore = 1",
        "net/ipv4/conf/all/arp_announce = 2",
        "address 192.0.2.10/32 on lo",
        "address 2001:db8::10/128 on lo",
    ]


def test_ipv6_alone_changes_no_parameter() -> None:
    assert descriptions(Method.LOOPBACK, SIX) == ["address 2001:db8::10/128 on lo"]


def test_a_tunnel_accepts_clients_with_a_route_elsewhere() -> None:
    assert descriptions(Method.TUNNEL, FOUR, SIX) == [
        "net/ipv4/conf/all/arp_ignore = 1",
        "net/ipv4/conf/all/arp_announce = 2",
        "interface tunl0 is up",
        "net/ipv4/conf/tunl0/rp_filter = 2",
        "address 192.0.2.10/32 on tunl0",
        "interface ip6tnl0 is up",
        "address 2001:db8::10/128 on ip6tnl0",
    ]


def test_on_the_interface_rules_for_each_address_restrict_arp() -> None:
    assert descriptions(Method.INTERFACE, FOUR) == [
        "arptables INPUT -d 192.0.2.10 -j DROP",
        "arptables OUTPUT -s 192.0.2.10 -j mangle --mangle-ip-s 192.0.2.20",
        "address 192.0.2.10/32 on eth0",
    ]


def test_the_method_interface_refuses_ipv6() -> None:
    with pytest.raises(
        PlanError, match="2001:db8::10: the method interface supports only IPv4; use the"
    ):
        descriptions(Method.INTERFACE, SIX)


def test_rules_need_an_address_for_arp_requests() -> None:
    with pytest.raises(PlanError, match="eth0 has no IPv4 address"):
        settings(Method.INTERFACE, [FOUR], "eth0", None)


def test_the_unit_runs_the_same_command() -> None:
    text = unit.text(["/opt/venv/bin/hadirector"], ["192.0.2.10", "--method=tunnel"])
    assert (
        "\nExecStart=/opt/venv/bin/hadirector realserver setup 192.0.2.10 --method=tunnel\n" in text
    )
    assert "\nExecStop=/opt/venv/bin/hadirector realserver undo\n" in text


@pytest.mark.parametrize("path", ["/opt/my venv/hadirector", "/opt/%h/hadirector", "/a\n/b"])
def test_a_path_that_systemd_would_misread_is_refused(path: str) -> None:
    with pytest.raises(unit.UnitError, match="expected a path without"):
        unit.text([path], ["192.0.2.10"])
