"""A pair with a real keepalived 2.2.7 with use_vmac, in both roles."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.answering import answers, neighbor_mac
from tests.lab.routers import Keepalived, VrrpRouter
from tests.lab.wire import Wire
from tests.waiting import eventually

pytestmark = [pytest.mark.netns, pytest.mark.keepalived]

GIVEN = {
    "net.ipv4.conf.eth0.arp_ignore": "1",
    "net.ipv4.conf.all.arp_announce": "2",
    "net.ipv6.conf.eth0.addr_gen_mode": "1",
    "net.ipv6.conf.eth0.accept_dad": "0",
}
IPV4 = ("10.99.0.100/32",)
IPV6 = ("fe80::99:100/128", "2001:db8:99::100/128")
MACS = {IPV4: "00:00:5e:00:01:33", IPV6: "00:00:5e:00:02:33"}

both_families = pytest.mark.parametrize("addresses", [IPV4, IPV6], ids=["ipv4", "ipv6"])


class Lab:
    """Our host, keepalived's host, and a client."""

    def __init__(self, network: Network, directory: Path) -> None:
        self.our_host, self.their_host, self.third_host = (
            network.host(
                name,
                f"10.99.0.{number}/24",
                f"fe80::{number}/64",
                f"2001:db8:99::{number}/64",
                sysctls=GIVEN,
            )
            for number, name in ((1, "ours"), (2, "theirs"), (3, "third"))
        )
        self._directory = directory

    def ours(self, priority: int, addresses: tuple[str, ...]) -> VrrpRouter:
        return VrrpRouter(
            self.our_host,
            self._directory,
            "--virtual-mac",
            priority=priority,
            addresses=addresses,
        )

    def keepalived(
        self, priority: int, addresses: tuple[str, ...], *, use_vmac: bool = True
    ) -> Keepalived:
        return Keepalived(
            self.their_host,
            self._directory,
            priority=priority,
            addresses=addresses,
            extra="use_vmac" if use_vmac else "",
        )

    def holder(self, addresses: tuple[str, ...]) -> list[Host]:
        address = addresses[-1].partition("/")[0]
        return [each for each in (self.our_host, self.their_host) if each.holds(address)]

    def wait_for_holder(self, host: Host, addresses: tuple[str, ...]) -> None:
        eventually(
            lambda: self.holder(addresses), 10.0, f"{host.name} the only holder", expected=[host]
        )

    def client_agrees(self, addresses: tuple[str, ...]) -> None:
        """Check that the client still knows the virtual MAC, and is answered."""
        address = addresses[-1].partition("/")[0]
        assert neighbor_mac(self.third_host, address) in ("", MACS[addresses])
        assert answers(self.third_host, address)
        assert neighbor_mac(self.third_host, address) == MACS[addresses]


@pytest.fixture
def lab(network: Network, tmp_path: Path) -> Lab:
    return Lab(network, tmp_path)


@pytest.fixture
def network() -> Iterator[Network]:
    with Network() as made:
        yield made


@both_families
def test_a_preemption_by_keepalived_and_its_crash_change_nothing_at_the_client(
    lab: Lab, addresses: tuple[str, ...]
) -> None:
    ours = lab.ours(100, addresses)
    ours.wait_for("ACTIVE")
    lab.wait_for_holder(lab.our_host, addresses)
    lab.client_agrees(addresses)
    keepalived = lab.keepalived(200, addresses)
    assert ours.wait_for("BACKUP")["reason"] == "a peer has a higher priority"
    lab.wait_for_holder(lab.their_host, addresses)
    lab.client_agrees(addresses)
    keepalived.crash()
    ours.wait_for("ACTIVE")
    lab.client_agrees(addresses)
    assert len(ours.became("ACTIVE")) == 2


@both_families
def test_our_preemption_and_our_stop_change_nothing_at_the_client(
    lab: Lab, addresses: tuple[str, ...]
) -> None:
    lab.keepalived(100, addresses)
    lab.wait_for_holder(lab.their_host, addresses)
    lab.client_agrees(addresses)
    ours = lab.ours(200, addresses)
    ours.wait_for("ACTIVE")
    lab.wait_for_holder(lab.our_host, addresses)
    lab.client_agrees(addresses)
    time.sleep(0.5)
    assert lab.holder(addresses) == [lab.our_host]
    ours.stop()
    lab.wait_for_holder(lab.their_host, addresses)
    lab.client_agrees(addresses)


def test_a_keepalived_without_use_vmac_is_an_ordinary_peer(lab: Lab) -> None:
    """A takeover changes the client's neighbor entry by gratuitous ARP, in either direction."""
    keepalived = lab.keepalived(100, IPV4, use_vmac=False)
    lab.wait_for_holder(lab.their_host, IPV4)
    assert answers(lab.third_host, "10.99.0.100")
    theirs = neighbor_mac(lab.third_host, "10.99.0.100")
    with Wire(lab.third_host) as wire:
        ours = lab.ours(200, IPV4)
        ours.wait_for("ACTIVE")
        lab.wait_for_holder(lab.our_host, IPV4)
        eventually(lambda: wire.arp("10.99.0.100"), 5.0, "gratuitous ARP")
    assert neighbor_mac(lab.third_host, "10.99.0.100") == MACS[IPV4]
    assert answers(lab.third_host, "10.99.0.100")
    ours.stop()
    lab.wait_for_holder(lab.their_host, IPV4)
    eventually(
        lambda: neighbor_mac(lab.third_host, "10.99.0.100"),
        5.0,
        "keepalived's own MAC",
        expected=theirs,
    )
    keepalived.stop()
