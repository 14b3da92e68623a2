"""The source and the group of multicast advertisements: the model, and the faults."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hadirector.config.loader import parse
from vrrp.model.configuration import Multicast

FaultsOf = Callable[[str], list[str]]

INSTANCE = "vrrp: [{name: a, interface: eth0, virtual_router_id: 1, virtual_addresses: [10.0.0.9], "
SIX = "vrrp: [{name: a, interface: eth0, virtual_router_id: 1, virtual_addresses: ['fe80::9'], "


def test_source_and_group_are_parts_of_the_transport() -> None:
    (instance,) = parse(f"{INSTANCE}source: 10.0.0.3}}]".encode(), "f", "host").vrrp
    assert instance.transport == Multicast(source="10.0.0.3")
    text = f"{SIX}source: 'fe80::0:3', group: 'ff02::0:99'}}]"
    (instance,) = parse(text.encode(), "f", "host").vrrp
    assert instance.transport == Multicast(source="fe80::3", group="ff02::99")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (f"{INSTANCE}group: 224.0.0.19}}]", ""),
        (
            f"{INSTANCE}group: 10.0.0.1}}]",
            '1:95: vrrp[0].group: wrong value (got "10.0.0.1", expected a multicast address in'
            " 224.0.0.0/4 or ff02::/16)",
        ),
        (
            f"{SIX}group: 'ff05::12'}}]",
            '1:96: vrrp[0].group: wrong value (got "ff05::12", expected a multicast address in'
            " 224.0.0.0/4 or ff02::/16)",
        ),
        (
            f"{INSTANCE}group: 'ff02::12'}}]",
            "1:95: vrrp[0].group: wrong value (got ff02::12, expected an IPv4 address like the"
            " virtual addresses)",
        ),
        (
            f"{SIX}source: 10.0.0.3}}]",
            "1:97: vrrp[0].source: wrong value (got 10.0.0.3, expected an IPv6 address like the"
            " virtual addresses)",
        ),
        (
            f"{SIX}source: '2001:db8::3'}}]",
            "1:97: vrrp[0].source: wrong value (got 2001:db8::3, expected a link-local address of"
            " the interface (RFC 9568 5.1.2.1))",
        ),
        (
            f"{INSTANCE}source: 10.0.0.9}}]",
            "1:96: vrrp[0].source: wrong value (got 10.0.0.9, expected an address that only this"
            " director has, not a virtual address)",
        ),
        (f"{INSTANCE}source: 10.0.0.9, priority: 255}}]", ""),
        (
            f"{INSTANCE}source: 10.0.0.3, unicast: {{source: 10.0.0.3, peers: [10.0.0.2]}}}}]",
            "1:96: vrrp[0].source: the section unicast already has a source; leave this out",
        ),
        (
            f"{INSTANCE}group: 224.0.0.19, unicast: {{source: 10.0.0.3, peers: [10.0.0.2]}}}}]",
            "1:95: vrrp[0].group: the section unicast uses no multicast group; leave this out",
        ),
    ],
)
def test_a_fault_of_source_or_group(faults_of: FaultsOf, text: str, fault: str) -> None:
    assert faults_of(text) == ([fault] if fault else [])
