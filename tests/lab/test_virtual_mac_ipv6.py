"""The virtual MAC over IPv6: on the link, and at a client."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.answering import answers, neighbor_mac
from tests.lab.routers import VrrpRouter
from tests.lab.wire import Frame, Wire
from tests.waiting import eventually

pytestmark = pytest.mark.netns

LINK_LOCAL, GLOBAL = "fe80::99:100", "2001:db8:99::100"
VIRTUAL_MAC = "00:00:5e:00:02:33"  # VRID 51
IPV6, ICMPV6, VRRP = 0x86DD, 58, 112
# The kernel gives the hosts no link-local address; the test does.
GIVEN = {"net.ipv6.conf.eth0.addr_gen_mode": "1", "net.ipv6.conf.eth0.accept_dad": "0"}


class Lab:
    """Two routers and a client."""

    def __init__(self, network: Network, directory: Path) -> None:
        self.left = network.host("left", "fe80::1/64", "2001:db8:99::1/64", sysctls=GIVEN)
        self.right = network.host("right", "fe80::2/64", "2001:db8:99::2/64", sysctls=GIVEN)
        self.third = network.host("third", "fe80::3/64", "2001:db8:99::3/64", sysctls=GIVEN)
        self._directory = directory

    def router(self, host: Host, priority: int) -> VrrpRouter:
        addresses = (f"{LINK_LOCAL}/128", f"{GLOBAL}/128")
        return VrrpRouter(
            host, self._directory, "--virtual-mac", priority=priority, addresses=addresses
        )


@pytest.fixture
def lab(network: Network, tmp_path: Path) -> Lab:
    return Lab(network, tmp_path)


@pytest.fixture
def wire(lab: Lab) -> Iterator[Wire]:
    with Wire(lab.third) as opened:
        yield opened


def carrying(wire: Wire, protocol: int) -> list[Frame]:
    return [each for each in wire.frames() if each.kind == IPV6 and each.payload[6] == protocol]


def neighbor_advertisements(wire: Wire, address: str) -> list[Frame]:
    target = socket.inet_pton(socket.AF_INET6, address)
    found = carrying(wire, ICMPV6)
    return [each for each in found if each.payload[40] == 136 and each.payload[48:64] == target]


def test_all_frames_about_the_virtual_addresses_have_the_virtual_mac(lab: Lab, wire: Wire) -> None:
    """RFC 9568 7.2, 8.2.2: advertisements from the interface's link-local address, unsolicited and
    solicited neighbor advertisements.
    """
    router = lab.router(lab.left, 100)
    router.wait_for("ACTIVE")
    eventually(lambda: len(neighbor_advertisements(wire, GLOBAL)) >= 5, 5.0, "a volley")
    for frame in carrying(wire, VRRP):
        assert frame.data[:54] == bytes.fromhex(
            "333300000012 00005e000233 86dd 6c000000 0028 70 ff"
            " fe800000000000000000000000000001 ff020000000000000000000000000012"
        )
    lab.third.ip("neighbor flush dev eth0")
    assert answers(lab.third, GLOBAL)
    assert answers(lab.third, f"{LINK_LOCAL}%eth0")
    assert neighbor_mac(lab.third, GLOBAL) == neighbor_mac(lab.third, LINK_LOCAL) == VIRTUAL_MAC
    for address in (LINK_LOCAL, GLOBAL):
        named = {frame.payload[66:72].hex(":") for frame in neighbor_advertisements(wire, address)}
        assert named == {VIRTUAL_MAC}
    assert neighbor_advertisements(wire, GLOBAL)[0].payload[44] == 0xA0


def test_a_takeover_changes_nothing_at_the_client(lab: Lab) -> None:
    """The router that returns receives the successor's advertisements, from the same MAC."""
    left, right = lab.router(lab.left, 200), lab.router(lab.right, 100)
    left.wait_for("ACTIVE")
    right.wait_for("BACKUP")
    assert answers(lab.third, GLOBAL)
    assert neighbor_mac(lab.third, GLOBAL) == VIRTUAL_MAC
    left.crash()
    right.wait_for("ACTIVE")
    assert neighbor_mac(lab.third, GLOBAL) == VIRTUAL_MAC
    assert answers(lab.third, GLOBAL)
    lab.router(lab.left, 200).wait_for("ACTIVE")
    assert right.wait_for("BACKUP")["reason"] == "a peer has a higher priority"
    assert answers(lab.third, GLOBAL)
    assert neighbor_mac(lab.third, GLOBAL) == VIRTUAL_MAC
