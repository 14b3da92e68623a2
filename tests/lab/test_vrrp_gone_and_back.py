"""What an instance stands on goes and comes back: its interface, and its own address."""

from __future__ import annotations

from pathlib import Path

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.routers import VIRTUAL_ADDRESS, VrrpRouter
from tests.waiting import eventually

pytestmark = pytest.mark.netns


@pytest.fixture
def router(host: Host, tmp_path: Path) -> VrrpRouter:
    """One that is ACTIVE and holds its address."""
    made = VrrpRouter(host, tmp_path)
    made.wait_for("ACTIVE")
    eventually(lambda: host.holds(VIRTUAL_ADDRESS), 2.0, "the address")
    return made


def test_without_an_own_address_it_resigns_until_that_is_back(
    router: VrrpRouter, host: Host
) -> None:
    """RFC 9568 7.2 wants advertisements to come from it; no virtual address stands in for it."""
    host.ip("address delete 10.99.0.1/24 dev eth0")
    assert router.wait_for("INITIALIZE")["reason"] == "no_address"
    eventually(lambda: not host.holds(VIRTUAL_ADDRESS), 2.0, "the address to go")
    host.ip("address add 10.99.0.1/24 dev eth0")
    router.wait_for("ACTIVE")
    eventually(lambda: host.holds(VIRTUAL_ADDRESS), 2.0, "the address")


def test_an_interface_that_is_deleted_and_made_anew_carries_the_instance_again(
    router: VrrpRouter, host: Host, network: Network
) -> None:
    """Another index, another MAC, other sockets; nobody has taken an address away."""
    host.ip("link delete eth0")
    assert router.wait_for("INITIALIZE")["reason"] == "interface_gone"
    cable = f"link add name {host.name} type veth peer name eth0 netns {host.namespace}"
    network.batch_on_bridge(cable, f"link set {host.name} master bridge up")
    host.configure()
    router.wait_for("ACTIVE")
    eventually(lambda: host.holds(VIRTUAL_ADDRESS), 2.0, "the address")
    assert "addresses_removed" not in router.status()["counters"]
