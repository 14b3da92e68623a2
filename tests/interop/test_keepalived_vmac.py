"""A keepalived 2.2.7 with `use_vmac` beside ours, which has the interface's own MAC.

A neighbor on the link uses the MAC of the router that announced the address last.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.routers import VIRTUAL_ADDRESS, Keepalived, VrrpRouter
from tests.waiting import eventually

pytestmark = [pytest.mark.netns, pytest.mark.keepalived]

VIRTUAL_MAC = "00:00:5e:00:01:33"  # RFC 9568 7.3: VRID 51
OUR_MAC = "02:00:00:00:00:01"


class Lab:
    def __init__(self, network: Network, directory: Path) -> None:
        self.ours = network.host("ours", "10.99.0.1/24")
        self.ours.ip(f"link set eth0 address {OUR_MAC}")
        self.theirs = network.host("theirs", "10.99.0.2/24")
        self.neighbour = network.host("neighbour", "10.99.0.3/24")
        # A gratuitous ARP changes an entry, but creates none.
        stale = f"{VIRTUAL_ADDRESS} lladdr 02:00:00:00:00:99 dev eth0 nud reachable"
        self.neighbour.ip(f"neighbor add {stale}")
        self._directory = directory

    def router(self, priority: int) -> VrrpRouter:
        return VrrpRouter(self.ours, self._directory, priority=priority)

    def keepalived(self, priority: int) -> Keepalived:
        return Keepalived(self.theirs, self._directory, priority=priority, extra="use_vmac")

    def wait_for_holder(self, host: Host) -> None:
        """Wait until a host alone holds the address, and the neighbor has its MAC."""
        mac = OUR_MAC if host is self.ours else VIRTUAL_MAC

        def arrived() -> bool:
            holders = [each for each in (self.ours, self.theirs) if each.holds(VIRTUAL_ADDRESS)]
            shown = self.neighbour.run("ip", "neighbor", "show", VIRTUAL_ADDRESS).stdout
            return holders == [host] and mac in shown

        eventually(arrived, 5.0, f"{host.name} the only holder, known as {mac}")


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with Network() as network:
        yield Lab(network, tmp_path)


def test_keepalived_with_a_virtual_mac_preempts_us_and_hands_back(lab: Lab) -> None:
    router = lab.router(100)
    lab.wait_for_holder(lab.ours)
    keepalived = lab.keepalived(200)
    lab.wait_for_holder(lab.theirs)
    keepalived.stop()
    assert router.wait_for("ACTIVE", 1.0)["reason"] == "the active router sent priority 0"
    lab.wait_for_holder(lab.ours)


def test_we_preempt_a_keepalived_with_a_virtual_mac_and_hand_back(lab: Lab) -> None:
    lab.keepalived(100)
    lab.wait_for_holder(lab.theirs)
    router = lab.router(200)
    lab.wait_for_holder(lab.ours)
    router.stop()
    lab.wait_for_holder(lab.theirs)
