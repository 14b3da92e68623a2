"""The virtual MAC on the link: its frames, the ARP table of a client, and the MAC of a BACKUP."""

from __future__ import annotations

import re
import signal
import struct
import time
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.answering import answers, neighbor_mac
from tests.lab.routers import VIRTUAL_ADDRESS, VrrpRouter
from tests.lab.wire import IPV4, Frame, Wire
from tests.waiting import eventually

pytestmark = pytest.mark.netns

BETTER, WORSE, THIRD = "10.99.0.1", "10.99.0.2", "10.99.0.3"
VIRTUAL_MAC = bytes.fromhex("00005e000133")  # VRID 51
# Without these eth0 also answers ARP requests for the virtual address, and sends such requests.
SETTINGS = {"net.ipv4.conf.eth0.arp_ignore": "1", "net.ipv4.conf.eth0.arp_announce": "2"}


class Lab:
    """Two routers and a client."""

    def __init__(self, network: Network, directory: Path) -> None:
        self.better_host = network.host("better", f"{BETTER}/24", sysctls=SETTINGS)
        self.worse_host = network.host("worse", f"{WORSE}/24", sysctls=SETTINGS)
        self.third_host = network.host("third", f"{THIRD}/24")
        self.network = network
        self._directory = directory

    def better(self, *options: str) -> VrrpRouter:
        return self.router(self.better_host, *options, priority=200)

    def worse(self, *options: str) -> VrrpRouter:
        return self.router(self.worse_host, *options, priority=100)

    def router(self, host: Host, *options: str, priority: int) -> VrrpRouter:
        return VrrpRouter(host, self._directory, "--virtual-mac", *options, priority=priority)

    def listening(self) -> list[str]:
        """Return the hosts that listen to the virtual MAC."""
        return [each.name for each in (self.better_host, self.worse_host) if is_up(each)]


@pytest.fixture
def lab(network: Network, tmp_path: Path) -> Lab:
    return Lab(network, tmp_path)


@pytest.fixture
def wire(lab: Lab) -> Iterator[Wire]:
    with Wire(lab.third_host) as opened:
        yield opened


def is_up(host: Host) -> bool:
    """Return whether a host listens to the virtual MAC."""
    return "UP" in re.findall(r"[A-Z_]+", host.run("ip", "link", "show", "vrrp4-51").stdout)


def datagram(destination: str) -> bytes:
    """Return an empty IPv4 packet of the third host with protocol 253 (RFC 3692)."""
    addresses = IPv4Address(THIRD).packed + IPv4Address(destination).packed
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20, 7, 0, 64, 253, 0) + addresses
    checksum = 0xFFFF - (sum(struct.unpack("!10H", header)) % 0xFFFF)
    return header[:10] + struct.pack("!H", checksum) + header[12:]


def seen(wire: Wire) -> list[Frame]:
    """Return the frames that carry ``datagram``."""
    return [each for each in wire.frames() if each.kind == IPV4 and each.payload[9] == 253]


def test_all_frames_about_the_virtual_address_have_the_virtual_mac(lab: Lab, wire: Wire) -> None:
    """RFC 9568 7.2, 8.1.2: advertisements, gratuitous ARP, ARP replies, and the router's own ARP
    requests.

    The interface's own MAC answers only for its own address.
    """
    router = lab.better()
    router.wait_for("ACTIVE")
    eventually(lambda: len(wire.arp(VIRTUAL_ADDRESS)) >= 5, 5.0, "a volley")
    volley = wire.arp(VIRTUAL_ADDRESS)[:5]
    for frame in volley:
        assert frame.data == bytes.fromhex(
            "ffffffffffff 00005e000133 0806 0001080006040001 00005e000133 0a630064"
            " ffffffffffff 0a630064"
        )
    for frame in wire.advertisements(BETTER):
        assert frame.data[:-12] == bytes.fromhex(
            "01005e000012 00005e000133 0800 45c00020 00000000 ff70d037 0a630001 e0000012"
        )
    lab.third_host.ip("neighbor flush dev eth0")
    lab.better_host.ip("neighbor flush dev eth0")
    assert answers(lab.third_host, VIRTUAL_ADDRESS)
    assert answers(lab.third_host, BETTER)
    assert neighbor_mac(lab.third_host, VIRTUAL_ADDRESS) == "00:00:5e:00:01:33"
    for address in (VIRTUAL_ADDRESS, BETTER):
        wire.ask_for(address, THIRD)
    time.sleep(0.2)  # a second reply comes a little later
    named = {frame.payload[8:14] for frame in wire.arp(VIRTUAL_ADDRESS)}
    assert named == {VIRTUAL_MAC}
    assert VIRTUAL_MAC not in {frame.payload[8:14] for frame in wire.arp(BETTER)}
    assert "virtual_mac_undermined" not in {each.get("event") for each in router.reports()}
    router.stop()
    assert "vrrp4-51" not in lab.better_host.run("ip", "link", "show").stdout


def test_settings_that_let_both_macs_answer_are_reported_with_a_remedy(lab: Lab) -> None:
    """The address works nevertheless."""
    lab.better_host.sysctl({**dict.fromkeys(SETTINGS, "0"), "net.ipv4.conf.all.rp_filter": "1"})
    router = lab.better()
    router.wait_for("ACTIVE")
    told = next(each for each in router.reports() if each.get("event") == "virtual_mac_undermined")
    assert told["fields"]["needs"] == (
        "net.ipv4.conf.eth0.arp_ignore=1 net.ipv4.conf.eth0.arp_announce=2"
        " net.ipv4.conf.all.rp_filter=0"
    )
    eventually(lambda: answers(lab.third_host, VIRTUAL_ADDRESS), 5.0, "an answer")


def test_a_takeover_changes_nothing_at_the_client(lab: Lab, wire: Wire) -> None:
    """After a crash the successor has the MAC that the client knows.

    The router that returns receives the successor's advertisements, although they come from its own
    virtual MAC.
    """
    better, worse = lab.better(), lab.worse()
    better.wait_for("ACTIVE")
    worse.wait_for("BACKUP")
    eventually(lab.listening, 5.0, "the better one alone listens", expected=["better"])
    assert answers(lab.third_host, VIRTUAL_ADDRESS)
    better.crash()
    worse.wait_for("ACTIVE")
    assert neighbor_mac(lab.third_host, VIRTUAL_ADDRESS) == "00:00:5e:00:01:33"
    assert answers(lab.third_host, VIRTUAL_ADDRESS)
    again = lab.better()
    again.wait_for("ACTIVE")
    assert worse.wait_for("BACKUP")["reason"] == "a peer has a higher priority"
    eventually(lab.listening, 5.0, "the loser deaf to the virtual MAC", expected=["better"])
    assert answers(lab.third_host, VIRTUAL_ADDRESS)
    arp = [*wire.arp(VIRTUAL_ADDRESS), *wire.advertisements(WORSE)]
    assert {frame.sender for frame in arp} == {VIRTUAL_MAC}


def test_the_active_router_forwards_frames_to_the_virtual_mac_and_a_backup_drops_them(
    lab: Lab, wire: Wire
) -> None:
    """RFC 9568 6.4.2, 6.4.3, on a link that sends those frames to both hosts."""
    lab.network.batch_on_bridge("link set bridge type bridge ageing_time 0")
    for host in (lab.better_host, lab.worse_host):
        host.sysctl({"net.ipv4.ip_forward": "1", "net.ipv4.conf.eth0.send_redirects": "0"})
        host.ip(f"neighbor replace 10.99.0.77 lladdr {wire.mac.hex(':')} dev eth0 nud permanent")
    better, worse = lab.better(), lab.worse()
    better.wait_for("ACTIVE")
    worse.wait_for("BACKUP")
    eventually(lab.listening, 5.0, "the better one alone listens", expected=["better"])
    with Wire(lab.worse_host) as backup:
        wire.send(VIRTUAL_MAC, IPV4, datagram("10.99.0.77"))
        eventually(lambda: seen(wire), 5.0, "a forwarded datagram")
        eventually(lambda: seen(backup), 5.0, "the same frame at the BACKUP")
        time.sleep(0.1)
    assert [frame.payload[8] for frame in seen(wire)] == [63]


def test_a_killed_process_is_replaced_without_a_flap(lab: Lab, wire: Wire) -> None:
    """The next process takes over the macvlan as it is; the addresses stay."""
    before = lab.better()
    before.wait_for("ACTIVE")
    eventually(lambda: lab.better_host.holds(VIRTUAL_ADDRESS), 5.0, "the address")
    shown = lab.better_host.run("ip", "-o", "link", "show", "vrrp4-51").stdout
    before.process.send_signal(signal.SIGKILL)
    after = lab.better("--resume")
    after.wait_for("ACTIVE")
    time.sleep(0.7)
    assert lab.better_host.run("ip", "-o", "link", "show", "vrrp4-51").stdout == shown
    assert lab.better_host.holds(VIRTUAL_ADDRESS)
    assert answers(lab.third_host, VIRTUAL_ADDRESS)


def test_a_process_that_is_not_active_shuts_down_the_macvlan_of_a_killed_one(lab: Lab) -> None:
    before = lab.better()
    before.wait_for("ACTIVE")
    eventually(lambda: is_up(lab.better_host), 5.0, "it listens")
    lab.worse().wait_for("BACKUP")
    before.crash()
    lab.router(lab.better_host, "--no-preempt", priority=90).wait_for("BACKUP")
    eventually(lambda: not is_up(lab.better_host), 5.0, "it listens no more")
    assert not lab.better_host.holds(VIRTUAL_ADDRESS)
