"""The addresses that get the probes of a drill, and where the probes go."""

from __future__ import annotations

import pytest

from hadirector.director.drill_client import destination, held_addresses
from tests.builders import an_instance
from vrrp.model.configuration import Placement


def test_an_instance_that_a_reload_has_removed_gets_no_probes() -> None:
    """Its handover fails later, with a reason."""
    web = an_instance(name="web", virtual_addresses=("192.0.2.10/24",))
    assert held_addresses({"web": web}, ("web", "mail")) == {"192.0.2.10": ("eth0",)}


def test_the_macvlan_of_an_instance_comes_before_its_interface() -> None:
    """The macvlan is down while the peer holds the addresses."""
    web = an_instance(
        virtual_mac="vrrp6-51",
        virtual_addresses=("fe80::10/64", "fe80::11/64"),
        placements=(Placement("fe80::11/64", device="eth1"),),
    )
    assert held_addresses({"web": web}, ("web",)) == {
        "fe80::10": ("vrrp6-51", "eth0"),
        "fe80::11": ("eth1",),
    }


def test_only_a_link_local_address_of_ipv6_has_a_scope() -> None:
    """The loopback interface has the index 1 in every network namespace."""
    assert destination("fe80::10", "lo") == ("fe80::10", 0, 0, 1)
    assert destination("2001:db8::10", "lo") == ("2001:db8::10", 0)
    assert destination("169.254.0.10", "lo") == ("169.254.0.10", 0)
    with pytest.raises(OSError, match=r"No such device|no interface"):
        destination("fe80::10", "missing0")
