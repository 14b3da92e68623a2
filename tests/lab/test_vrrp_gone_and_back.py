"""An instance loses its interface or its own address, and gets it back."""

from __future__ import annotations

import resource
import time
from pathlib import Path

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.routers import VIRTUAL_ADDRESS, VrrpRouter, wait_for_holder
from tests.waiting import eventually

pytestmark = pytest.mark.netns


@pytest.fixture
def router(host: Host, tmp_path: Path) -> VrrpRouter:
    """A router that is ACTIVE and holds its address."""
    made = VrrpRouter(host, tmp_path)
    made.wait_for("ACTIVE")
    eventually(lambda: host.holds(VIRTUAL_ADDRESS), 2.0, "the address")
    return made


def test_a_router_without_its_own_address_is_in_fault_until_the_address_returns(
    router: VrrpRouter, host: Host
) -> None:
    """RFC 9568 7.2: advertisements come from that address. No virtual address may replace it."""
    host.ip("address delete 10.99.0.1/24 dev eth0")
    assert router.wait_for("INITIALIZE")["reason"] == "no_address"
    eventually(lambda: not host.holds(VIRTUAL_ADDRESS), 2.0, "the address to go")
    host.ip("address add 10.99.0.1/24 dev eth0")
    router.wait_for("ACTIVE")
    eventually(lambda: host.holds(VIRTUAL_ADDRESS), 2.0, "the address")


def test_an_instance_starts_again_on_a_new_interface_of_the_same_name(
    router: VrrpRouter, host: Host, network: Network
) -> None:
    """It has another index, another MAC and other sockets. No address counts as removed."""
    host.ip("link delete eth0")
    assert router.wait_for("INITIALIZE")["reason"] == "interface_gone"
    cable = f"link add name {host.name} type veth peer name eth0 netns {host.namespace}"
    network.batch_on_bridge(cable, f"link set {host.name} master bridge up")
    host.configure()
    router.wait_for("ACTIVE")
    eventually(lambda: host.holds(VIRTUAL_ADDRESS), 2.0, "the address")
    assert "addresses_removed" not in router.status()["counters"]


def test_a_renamed_interface_gives_the_addresses_up_at_once(
    network: Network, tmp_path: Path
) -> None:
    """It still has them under its new name, and the peer takes over."""
    one, other = (network.host(name, f"10.99.0.{n}/24") for n, name in ((1, "one"), (2, "other")))
    active = VrrpRouter(one, tmp_path, priority=200)
    active.wait_for("ACTIVE")
    backup = VrrpRouter(other, tmp_path, priority=100)
    backup.wait_for("BACKUP")
    one.ip("link set dev eth0 name renamed")
    wait_for_holder([one, other], other, seconds=2.0)
    assert active.wait_for("INITIALIZE")["reason"] == "interface_gone"
    one.ip("link set dev renamed name eth0")
    wait_for_holder([one, other], one)


def test_a_router_without_a_free_file_descriptor_stays_active(
    network: Network, tmp_path: Path
) -> None:
    """A want of the host is not a fact about the interface, which is looked at after a change."""
    one, other = (network.host(name, f"10.99.0.{n}/24") for n, name in ((1, "one"), (2, "other")))
    active = VrrpRouter(one, tmp_path, priority=200)
    active.wait_for("ACTIVE")
    backup = VrrpRouter(other, tmp_path, priority=100)
    backup.wait_for("BACKUP")
    process = active.process.pid
    limits = resource.prlimit(process, resource.RLIMIT_NOFILE)
    resource.prlimit(process, resource.RLIMIT_NOFILE, (3, limits[1]))
    one.ip("address add 10.99.0.77/24 dev eth0")
    time.sleep(1.0)
    resource.prlimit(process, resource.RLIMIT_NOFILE, limits)
    assert active.entered("INITIALIZE") == 0
    assert backup.entered("ACTIVE") == 0
    one.ip("link set dev eth0 down")
    active.wait_for("INITIALIZE")
