"""The requirements of RFC 9568 on the wire, byte for byte (docs/conformance.md)."""

from __future__ import annotations

import itertools
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyroute2 import netns

from hadirector.lab.topology import Host, Network
from tests.lab.routers import VIRTUAL_ADDRESS, VrrpRouter
from tests.lab.wire import Wire
from tests.waiting import eventually

pytestmark = pytest.mark.netns

BETTER, WORSE, THIRD = "10.99.0.1", "10.99.0.2", "10.99.0.3"
# Interval 0.1 s, priority 100 (RFC 9568 6.1).
DOWN_100 = 0.3609
SLACK = 0.05  # scheduling on a busy machine with two cores

# VRID 51, 10 centiseconds, 10.99.0.100.
PRIORITY_200 = bytes.fromhex("3133c801000a 1107 0a630064")  # as 10.99.0.1, with pseudo-header
PRIORITY_255_NO_PSEUDO_HEADER = bytes.fromhex("3133ff01000a c4f9 0a630064")


class Link:
    """The hosts ``better`` and ``worse``, and the frames that a third host receives."""

    def __init__(self, network: Network, directory: Path) -> None:
        self.better_host = network.host("better", f"{BETTER}/24")
        self.worse_host = network.host("worse", f"{WORSE}/24")
        self.third_host = network.host("third", f"{THIRD}/24")
        self._directory = directory

    def better(self, *options: str, priority: int = 200) -> VrrpRouter:
        return VrrpRouter(self.better_host, self._directory, *options, priority=priority)

    def worse(self, *options: str, priority: int = 100) -> VrrpRouter:
        return VrrpRouter(self.worse_host, self._directory, *options, priority=priority)

    def settled(self) -> tuple[VrrpRouter, VrrpRouter]:
        better, worse = self.better(), self.worse()
        better.wait_for("ACTIVE")
        worse.wait_for("BACKUP")
        eventually(self.holders, 10.0, "the better one the only holder", expected=["better"])
        return better, worse

    def holders(self) -> list[str]:
        hosts = (self.better_host, self.worse_host)
        return [host.name for host in hosts if host.holds(VIRTUAL_ADDRESS)]


@pytest.fixture
def link(network: Network, tmp_path: Path) -> Link:
    return Link(network, tmp_path)


@pytest.fixture
def wire(link: Link) -> Iterator[Wire]:
    with Wire(link.third_host) as opened:
        yield opened


def mac(host: Host) -> bytes:
    text = host.run("cat", "/sys/class/net/eth0/address").stdout.strip()
    return bytes.fromhex(text.replace(":", ""))


def gaps(times: list[float]) -> list[float]:
    return [later - earlier for earlier, later in itertools.pairwise(times)]


def accepts_packets(host: Host, asking: Host) -> bool:
    """Whether a TCP segment for the virtual address, sent to this host, is answered at all."""
    lladdr = mac(host).hex(":")
    asking.ip(f"neighbor replace {VIRTUAL_ADDRESS} lladdr {lladdr} dev eth0")
    netns.pushns(asking.namespace)
    try:
        socket.create_connection((VIRTUAL_ADDRESS, 9), timeout=0.5)
    except ConnectionRefusedError:
        return True
    except TimeoutError:
        return False
    finally:
        netns.popns()
    raise AssertionError("nobody listens there")


def test_an_advertisement_is_what_the_rfc_says_to_the_byte(link: Link, wire: Wire) -> None:
    """5.1.1, 5.2, 7.2: group MAC, own MAC, TOS c0, TTL 255, protocol 112, primary address.

    This holds even if an earlier process left the virtual address behind.
    """
    link.better_host.ip(f"address add {VIRTUAL_ADDRESS}/32 dev eth0 valid_lft 60 preferred_lft 60")
    link.better("--resume").wait_for("ACTIVE")
    eventually(lambda: len(wire.advertisements(BETTER)) >= 3, 5.0, "three advertisements")
    for frame in wire.advertisements(BETTER):
        assert frame.data[:6] == bytes.fromhex("01005e000012")
        assert frame.sender == mac(link.better_host)
        assert frame.payload[:4] == bytes.fromhex("45c00020")
        assert frame.payload[8:10] == bytes.fromhex("ff70")
        assert frame.payload[12:20] == bytes.fromhex("0a630001e0000012")
        assert frame.payload[20:] == PRIORITY_200
    assert wire.advertisements(VIRTUAL_ADDRESS) == []


def test_advertisements_are_periodic_without_drift(link: Link, wire: Wire) -> None:
    """6.4.3: thirty intervals of 100 ms take 3 s, because lateness does not add up."""
    link.better("--resume").wait_for("ACTIVE")
    eventually(lambda: len(wire.advertisements(BETTER)) > 30, 6.0, "31 advertisements")
    times = [frame.at for frame in wire.advertisements(BETTER)]
    assert 2.97 <= times[30] - times[0] <= 3.03


def test_a_takeover_is_advertised_then_announced(link: Link, wire: Wire) -> None:
    """6.4.2, 8.1.2: one advertisement, then ARP requests.

    Both protocol addresses are the virtual one; they are broadcast from the interface's own MAC.
    """
    link.worse().wait_for("ACTIVE")
    eventually(lambda: len(wire.arp(VIRTUAL_ADDRESS)) >= 5, 5.0, "a volley")
    own = mac(link.worse_host).hex()
    for frame in wire.arp(VIRTUAL_ADDRESS)[:5]:
        assert frame.data == bytes.fromhex(
            f"ffffffffffff {own} 0806 0001080006040001 {own} 0a630064 ffffffffffff 0a630064"
        )
    assert wire.advertisements(WORSE)[0].at < wire.arp(VIRTUAL_ADDRESS)[0].at


def test_an_address_that_could_not_be_added_is_not_announced(
    link: Link, wire: Wire, tmp_path: Path
) -> None:
    """8.1.2: a router that may not add the address is ACTIVE and sends no gratuitous ARP."""
    wrapper = ("setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin")
    router = VrrpRouter(link.worse_host, tmp_path, wrapper=wrapper)
    router.wait_for("ACTIVE")
    eventually(lambda: len(wire.advertisements(WORSE)) >= 5, 5.0, "five advertisements")
    assert link.holders() == []
    assert wire.arp(VIRTUAL_ADDRESS) == []


def test_a_backup_answers_no_request_and_stops_without_an_advertisement(
    link: Link, wire: Wire
) -> None:
    """6.4.2: no ARP reply, no packet accepted, no priority 0 at the end."""
    link.worse_host.sysctl({"net.ipv4.ip_forward": "0"})  # new namespaces inherit it from the host
    _, worse = link.settled()
    begin = len(wire.arp(VIRTUAL_ADDRESS))
    before = len(
        wire.advertisements(WORSE)
    )  # it may have been ACTIVE until the better router started
    wire.ask_for(VIRTUAL_ADDRESS, THIRD)
    time.sleep(0.2)
    replies = [f for f in wire.arp(VIRTUAL_ADDRESS)[begin:] if f.payload[6:8] == b"\x00\x02"]
    assert [frame.sender for frame in replies] == [mac(link.better_host)]
    assert accepts_packets(link.better_host, link.third_host)
    assert not accepts_packets(link.worse_host, link.third_host)
    worse.stop()
    assert wire.advertisements(WORSE)[before:] == []


def test_what_is_sent_to_the_group_is_not_forwarded(link: Link, wire: Wire) -> None:
    """5.1.1.2: a host that forwards sends no such packet through another interface."""
    link.better_host.ip(
        "link add eth1 type veth peer name other", "link set eth1 up", "link set other up",
        "address add 10.98.0.1/24 dev eth1",
    )  # fmt: skip
    link.better_host.sysctl({"net.ipv4.ip_forward": "1"})
    link.settled()
    with Wire(link.better_host, "other") as beyond:
        for _ in range(10):
            wire.advertise(PRIORITY_255_NO_PSEUDO_HEADER, THIRD)
            time.sleep(0.02)
        assert [frame for frame in beyond.frames() if frame.vrrp] == []


def test_a_backup_that_forwards_passes_packets_on_to_the_active_router(link: Link) -> None:
    """8.3.1: it accepts none itself. The routes of the host are its operator's."""
    link.worse_host.sysctl({"net.ipv4.ip_forward": "1"})
    link.settled()
    assert accepts_packets(link.worse_host, link.third_host)
    link.better_host.link_down()
    assert not accepts_packets(link.worse_host, link.third_host)


# Each has priority 255 or 0, so that it would have an effect if it were accepted.
REFUSED = [
    ("3133ff01000a c4f8 0a630064", 255, "checksum"),
    ("31330001000a c3fb 0a630064", 255, "checksum"),
    ("3133ff01000a c4f9 0a630064", 254, "ttl"),
    ("3233ff01000a c3f9 0a630064", 255, "type"),
    ("2133ff010001 d502 0a630064 0000000000000000", 255, "version"),
    ("3133ff010000 c503 0a630064", 255, "advert_interval_zero"),
    ("3133ff00000a cfc1", 255, "no_addresses"),
    ("3133ff01000a c4f9", 255, "truncated"),
]


OTHER_VIRTUAL_ROUTER = bytes.fromhex("3134ff01000a c4f8 0a630064")


def test_refused_packets_move_no_timer(link: Link, wire: Wire) -> None:
    """7.1: many of them neither disturb an ACTIVE router nor keep a BACKUP from taking over.

    They come each half interval for three Active_Down_Intervals, and then through a crash of the
    ACTIVE.
    """
    better, worse = link.settled()
    begin = time.monotonic()

    def blow(until: float) -> None:
        while time.monotonic() < until:
            for message, ttl, _ in REFUSED:
                wire.advertise(bytes.fromhex(message), THIRD, ttl=ttl)
            wire.advertise(OTHER_VIRTUAL_ROUTER, THIRD)
            time.sleep(0.05)

    blow(begin + 3 * DOWN_100)
    times = [frame.at for frame in wire.advertisements(BETTER) if frame.at > begin]
    assert len(times) >= 9
    assert all(0.1 - SLACK <= gap <= 0.1 + SLACK for gap in gaps(times))
    status = worse.status()
    better.crash()
    last = wire.advertisements(BETTER)[-1].at
    blow(last + DOWN_100 + 2 * SLACK)
    took_over = next(frame.at for frame in wire.advertisements(WORSE) if frame.at > last)
    assert DOWN_100 - 0.001 <= took_over - last <= DOWN_100 + SLACK
    dropped = {name for name in status["counters"] if name.startswith("dropped_")}
    assert dropped == {f"dropped_{reason}" for _, _, reason in REFUSED}
    assert status["undelivered"].keys() == {"dropped_virtual_router_id"}


def test_two_owners_end_as_one(link: Link) -> None:
    """8.3.2: with 255 configured twice, the router with the higher address stays ACTIVE."""
    better, worse = link.better(priority=255), link.worse(priority=255)
    worse.wait_for("ACTIVE")
    better.wait_for("BACKUP")
    time.sleep(3 * 0.3)
    assert link.holders() == ["worse"]
    assert len(worse.became("ACTIVE")) == 1
    told = [each["fields"] for each in better.reports() if each.get("event") == "second_owner"]
    assert told == [{"instance": "eth0-51", "source": WORSE, "count": 1}]


def test_an_active_router_frozen_for_5_s_listens_first(link: Link, wire: Wire) -> None:
    """2.5: it gives up, listens for an interval and its skew time, and only then preempts."""
    better, _ = link.settled()
    better.process.send_signal(signal.SIGSTOP)
    time.sleep(5.0)
    assert link.holders() == ["worse"]  # the kernel removed the address of the frozen router
    begin = time.monotonic()
    better.process.send_signal(signal.SIGCONT)
    assert better.wait_for("BACKUP")["reason"] == "the process was stalled"
    better.wait_for("ACTIVE")
    woken = [frame for frame in wire.advertisements(BETTER) if frame.at > begin]
    assert [frame.payload[22] for frame in woken[:2]] == [0, 200]
    assert woken[1].at - woken[0].at >= 0.121
    overlap = max(frame.at for frame in wire.advertisements(WORSE)) - woken[1].at
    assert overlap <= 0.1
    eventually(link.holders, 1.0, "one holder", expected=["better"])
