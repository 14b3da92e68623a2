"""The carrier of an instance's own interface: when its loss is no fault, and contradictions."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hadirector.config.loader import parse

FaultsOf = Callable[[str], list[str]]

INSTANCE = "vrrp: [{name: a, interface: eth0, virtual_router_id: 1, virtual_addresses: [10.0.0.9], "


@pytest.mark.parametrize(
    ("rest", "ignored"),
    [
        ("priority: 9", False),
        ("ignore_carrier: true", True),
        ("track: [{interface: eth0}]", False),
        ("track: [{interface: eth0, weight: -50}]", True),
        ("track: [{interface: eth1, weight: -50}]", False),
        ("ignore_carrier: true, track: [{interface: eth0, weight: 50}]", True),
    ],
)
def test_a_weight_replaces_the_fault(rest: str, *, ignored: bool) -> None:
    (instance,) = parse(f"{INSTANCE}{rest}}}]".encode(), "f", "host").vrrp
    assert instance.ignore_carrier is ignored


def test_a_weight_of_another_member_of_the_group_does_not_replace_the_fault() -> None:
    """The member b tracks the interface of a, and the group gives a the same tracked objects."""
    text = (
        INSTANCE + "priority: 9}, {name: b, interface: eth1, virtual_router_id: 2, priority: 9,"
        " virtual_addresses: [10.0.0.8], track: [{interface: eth0, weight: -5}]}]\n"
        "sync_groups: [{name: g, instances: [a, b]}]"
    )
    first, second = parse(text.encode(), "f", "host").vrrp
    assert first.tracked_names("interface") == second.tracked_names("interface") == ["eth0"]
    assert (first.ignore_carrier, second.ignore_carrier) == (False, False)


@pytest.mark.parametrize(
    ("rest", "fault"),
    [
        (
            "ignore_carrier: true, track: [{interface: eth0}]",
            "1:130: vrrp[0].track[0].interface: contradicts ignore_carrier (add a weight, or"
            " remove one of them)",
        ),
        (
            "ignore_carrier: true, flap_delay: 1s",
            "1:122: vrrp[0].flap_delay: the loss of carrier on eth0 is no fault here; leave this"
            " out",
        ),
        (
            "track: [{interface: eth0, weight: -50}], flap_delay: 1s",
            "1:141: vrrp[0].flap_delay: the loss of carrier on eth0 is no fault here; leave this"
            " out",
        ),
        (
            "ignore_carrier: true, transport: udp,"
            " unicast: {source: 127.0.0.1, peers: [127.0.0.2]}",
            "1:104: vrrp[0].ignore_carrier: an instance over UDP does not watch the carrier; leave"
            " this out",
        ),
        (
            "ignore_carrier: 1",
            "1:104: vrrp[0].ignore_carrier: wrong value (got 1, expected true or false)",
        ),
    ],
)
def test_a_contradiction_about_the_carrier(faults_of: FaultsOf, rest: str, fault: str) -> None:
    assert faults_of(f"{INSTANCE}{rest}}}]") == [fault]
