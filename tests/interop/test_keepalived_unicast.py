"""Unicast on protocol 112, with a real keepalived 2.2.7 and between our own routers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.routers import VIRTUAL_ADDRESS, Keepalived, Listener, VrrpRouter
from tests.waiting import eventually

pytestmark = [pytest.mark.netns, pytest.mark.keepalived]

OURS, THEIRS = "10.99.0.1", "10.99.0.2"
DOWN_100 = 0.361  # RFC 9568 6.1 at 100 ms: 300 ms and a skew time of 15.6 cs / 256
PEER = f"unicast_src_ip {THEIRS}\n unicast_peer {{\n {OURS}\n }}"


class Lab(NamedTuple):
    ours: Host
    theirs: Host
    third: Host
    directory: Path

    def router(self, priority: int, *options: str) -> VrrpRouter:
        path = ("--unicast-source", OURS, "--unicast-peer", THEIRS)
        return VrrpRouter(self.ours, self.directory, *path, *options, priority=priority)

    def keepalived(self, priority: int) -> Keepalived:
        return Keepalived(self.theirs, self.directory, priority=priority, extra=PEER)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with Network() as network:
        addresses = {"ours": OURS, "theirs": THEIRS, "third": "10.99.0.3"}
        hosts = [network.host(name, f"{address}/24") for name, address in addresses.items()]
        ours, theirs, third = hosts
        yield Lab(ours, theirs, third, tmp_path)


def test_we_follow_keepalived_and_take_over_when_it_stops(lab: Lab) -> None:
    """Its advertisements come to our address, and their checksum uses that address."""
    keepalived = lab.keepalived(200)
    eventually(lambda: lab.theirs.holds(VIRTUAL_ADDRESS), 10.0, "keepalived ACTIVE")
    router = lab.router(100)
    router.wait_for("BACKUP")
    time.sleep(2 * DOWN_100)
    status = router.status()
    assert (status["state"], status["active_router"]) == ("BACKUP", THEIRS)
    assert not [name for name in status["counters"] if name.startswith("dropped")]
    keepalived.stop()
    assert router.wait_for("ACTIVE", 1.0)["reason"] == "the active router sent priority 0"
    assert lab.ours.holds(VIRTUAL_ADDRESS)


def test_keepalived_follows_us_and_takes_over_when_we_stop(lab: Lab) -> None:
    """It stays BACKUP, and ours sends nothing to the group."""
    with Listener(lab.third) as listener:
        router = lab.router(200)
        router.wait_for("ACTIVE")
        lab.keepalived(100).wait_for_backup()
        time.sleep(2 * DOWN_100)
        assert lab.ours.holds(VIRTUAL_ADDRESS)
        assert not lab.theirs.holds(VIRTUAL_ADDRESS)
        assert len(router.became("ACTIVE")) == 1
        assert listener.heard() == []
        router.stop()
    eventually(lambda: lab.theirs.holds(VIRTUAL_ADDRESS), 2.0, "keepalived ACTIVE")


def test_an_advertisement_of_a_stranger_or_to_the_group_is_dropped(lab: Lab) -> None:
    """A multicast advertisement of priority 255 from the peer's own host has no effect."""
    router = lab.router(100)
    router.wait_for("ACTIVE")
    with Listener(lab.theirs) as listener:
        listener.send(bytes.fromhex("3133ff010064d9ab0a630064"))
    eventually(
        lambda: "dropped_destination" in router.status()["counters"], 5.0, "the drop counted"
    )
    assert len(router.became("BACKUP")) == 1


def test_a_missing_source_address_is_reported_and_used_when_it_appears(lab: Lab) -> None:
    """When the address is removed again, there are no more advertisements."""
    lab.ours.run("ip", "address", "delete", f"{OURS}/24", "dev", "eth0")
    lab.ours.run("ip", "address", "add", "10.99.0.9/24", "dev", "eth0")
    router = lab.router(100)
    eventually(lambda: "transport_unusable" in str(router.reports()), 5.0, "the notice")
    assert router.status()["state"] == "INITIALIZE"
    lab.ours.run("ip", "address", "add", f"{OURS}/24", "dev", "eth0")
    router.wait_for("ACTIVE")
    lab.ours.run("ip", "address", "delete", f"{OURS}/24", "dev", "eth0")
    assert router.wait_for("INITIALIZE")["reason"] == "source_missing"


def test_unicast_over_ipv6_in_both_roles(tmp_path: Path) -> None:
    """Ours was ACTIVE first, follows keepalived, and takes over when keepalived stops.

    keepalived 2.2.7 leaves the hop limit of IPv6 unicast at the kernel's default, 64.
    """
    addresses = ("fe80::99:100/128", "2001:db8:99::100/128")
    quiet = {"net.ipv6.conf.eth0.accept_dad": "0"}
    with Network() as network:
        ours = network.host("ours", "2001:db8:99::1/64", sysctls=quiet)
        theirs = network.host("theirs", "2001:db8:99::2/64", sysctls=quiet)
        path = ["--unicast-source", "2001:db8:99::1", "--unicast-peer", "2001:db8:99::2"]
        path += ["--ttl-min", "64"]
        router = VrrpRouter(ours, tmp_path, *path, addresses=addresses)
        router.wait_for("ACTIVE")
        peer = "unicast_src_ip 2001:db8:99::2\n unicast_peer {\n 2001:db8:99::1\n }"
        keepalived = Keepalived(theirs, tmp_path, priority=200, addresses=addresses, extra=peer)
        assert router.wait_for("BACKUP")["reason"] == "a peer has a higher priority"
        eventually(lambda: theirs.holds("2001:db8:99::100"), 2.0, "keepalived ACTIVE")
        time.sleep(2 * DOWN_100)
        assert router.status()["state"] == "BACKUP"
        keepalived.stop()
        assert router.wait_for("ACTIVE", 1.0)["reason"] == "the active router sent priority 0"


def test_a_keepalived_with_the_usual_hop_limit_is_dropped_and_raises_an_alarm(
    tmp_path: Path,
) -> None:
    """Over IPv6 it sends with hop limit 64. Without `ttl_min` both would be ACTIVE in silence."""
    addresses = ("fe80::99:100/128", "2001:db8:99::100/128")
    quiet = {"net.ipv6.conf.eth0.accept_dad": "0"}
    with Network() as network:
        ours = network.host("ours", "2001:db8:99::1/64", sysctls=quiet)
        theirs = network.host("theirs", "2001:db8:99::2/64", sysctls=quiet)
        path = ("--unicast-source", "2001:db8:99::1", "--unicast-peer", "2001:db8:99::2")
        router = VrrpRouter(ours, tmp_path, *path, addresses=addresses)
        router.wait_for("ACTIVE")
        peer = "unicast_src_ip 2001:db8:99::2\n unicast_peer {\n 2001:db8:99::1\n }"
        Keepalived(theirs, tmp_path, priority=200, addresses=addresses, extra=peer)
        alarm = (
            "this router and 2001:db8:99::2 (priority 200, dropped as peer_ttl)"
            " are active at the same time"
        )
        eventually(lambda: router.status()["alarms"], 10.0, alarm, expected=[alarm])
