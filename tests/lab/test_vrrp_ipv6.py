"""Two of our routers on one link over IPv6: election, stop, crash, sources, announcements."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.routers import Listener, VrrpRouter
from tests.waiting import eventually

pytestmark = pytest.mark.netns

LINK_LOCAL, GLOBAL = "fe80::99:100", "2001:db8:99::100"
ADDRESSES = (f"{LINK_LOCAL}/128", f"{GLOBAL}/128")
# RFC 9568 6.1, interval 0.1 s, priority 100.
SKEW_100 = 0.0609
DOWN_100 = 0.3609
SLACK = 0.05
CONNECT = f"import socket; socket.create_connection(('{GLOBAL}', 9), 2)"
# The kernel gives the hosts no link-local address; the test does.
GIVEN = {"net.ipv6.conf.eth0.addr_gen_mode": "1", "net.ipv6.conf.eth0.accept_dad": "0"}


class Pair:
    """The hosts ``left`` (fe80::1) and ``right`` (fe80::ffff), and a third host that listens."""

    def __init__(self, network: Network, directory: Path) -> None:
        self.left = network.host("left", "fe80::1/64", "2001:db8:99::1/64", sysctls=GIVEN)
        self.right = network.host("right", "fe80::ffff/64", "2001:db8:99::2/64", sysctls=GIVEN)
        self.third = network.host("third", "fe80::3/64", "2001:db8:99::3/64", sysctls=GIVEN)
        self._directory = directory

    def router(self, host: Host, priority: int, *addresses: str) -> VrrpRouter:
        return VrrpRouter(
            host, self._directory, priority=priority, addresses=addresses or ADDRESSES
        )

    def holders(self, address: str = GLOBAL) -> list[str]:
        return [host.name for host in (self.left, self.right) if host.holds(address)]

    def wait_for_holder(self, host: Host, timeout: float = 10.0) -> None:
        eventually(self.holders, timeout, f"{host.name} the only holder", expected=[host.name])


@pytest.fixture
def pair(network: Network, tmp_path: Path) -> Pair:
    return Pair(network, tmp_path)


@pytest.fixture
def listener(pair: Pair) -> Iterator[Listener]:
    with Listener(pair.third, family=6) as opened:
        yield opened


def capture(host: Host, output: Path, count: int, *options: str) -> subprocess.Popen[str]:
    with output.open("w") as file:
        return host.start(
            "tcpdump", "-n", "-l", "-c", str(count), "-i", "eth0", *options, output=file
        )


def test_a_graceful_stop_leaves_no_moment_without_a_holder(pair: Pair, listener: Listener) -> None:
    """Election, priority 0 and takeover between link-local addresses."""
    left, right = pair.router(pair.left, 200), pair.router(pair.right, 100)
    left.wait_for("ACTIVE")
    right.wait_for("BACKUP")
    pair.wait_for_holder(pair.left)
    assert pair.holders(LINK_LOCAL) == ["left"]
    eventually(
        lambda: right.status()["active_router"], 2.0, "the active router", expected="fe80::1"
    )
    left.stop()
    taken = right.wait_for("ACTIVE")
    resignation = next(each for each in listener.heard() if each.priority == 0)
    assert resignation.source == "fe80::1"
    assert SKEW_100 - 0.001 <= taken["at"] - resignation.at <= SKEW_100 + SLACK
    assert left.became("INITIALIZE")[-1]["at"] > taken["at"]
    assert pair.holders() == ["right"]


def test_a_killed_router_loses_its_ipv6_addresses_through_the_kernel(pair: Pair) -> None:
    left, right = pair.router(pair.left, 200), pair.router(pair.right, 100)
    left.wait_for("ACTIVE")
    right.wait_for("BACKUP")
    pair.wait_for_holder(pair.left)
    left.crash()
    right.wait_for("ACTIVE")
    pair.wait_for_holder(pair.right, 4.5)


def test_an_ipv6_address_that_an_operator_removes_is_restored_at_once(pair: Pair) -> None:
    """Also after a flush of the whole interface."""
    router = pair.router(pair.left, 100)
    router.wait_for("ACTIVE")
    pair.wait_for_holder(pair.left)
    pair.left.ip(f"address delete {GLOBAL}/128 dev eth0")
    time.sleep(0.05)
    assert pair.holders() == ["left"]
    # `ip` stops after ten rounds if the addresses return each time.
    pair.left.run("ip", "address", "flush", "dev", "eth0", "dynamic", check=False)
    time.sleep(0.05)
    assert pair.holders() == pair.holders(LINK_LOCAL) == ["left"]
    assert router.status()["counters"]["addresses_removed"] >= 3


def test_equal_priorities_are_decided_by_the_link_local_address(
    pair: Pair, listener: Listener
) -> None:
    """As unsigned numbers: fe80::ffff wins against fe80::1, whose router was first."""
    left = pair.router(pair.left, 100)
    left.wait_for("ACTIVE")
    pair.right.link_down()
    right = pair.router(pair.right, 100)
    eventually(lambda: len(right.reports()) > 0, 5.0, "a notice of the missing carrier")
    pair.right.link_up()
    right.wait_for("BACKUP")
    assert pair.holders() == ["left"]
    # Both are ACTIVE, as after a partition.
    pair.right.link_down()
    right.wait_for("INITIALIZE")
    right.stop()
    pair.right.link_up()
    again = VrrpRouter(pair.right, pair._directory, "--resume", priority=100, addresses=ADDRESSES)
    again.wait_for("ACTIVE")
    assert left.wait_for("BACKUP")["reason"] == (
        "a peer has the same priority and a higher address"
    )
    pair.wait_for_holder(pair.right)


def test_advertisements_have_the_required_headers(pair: Pair, tmp_path: Path) -> None:
    """Hop limit 255, class 0xc0, the link-local source, and the right checksum."""
    captured = tmp_path / "advertisements.log"
    ended = capture(pair.third, captured, 2, "-vv", "ip6", "proto", "112")
    pair.router(pair.left, 150).wait_for("ACTIVE")
    ended.wait(10)
    seen = captured.read_text()
    assert "class 0xc0" in seen
    assert "hlim 255, next-header VRRP (112)" in seen
    assert "fe80::1 > ff02::12" in seen
    assert "vrid 51, prio 150, intvl 10cs" in seen
    assert f"addrs(2): {LINK_LOCAL},{GLOBAL}" in seen
    assert "bad vrrp cksum" not in seen


def test_the_takeover_is_announced_to_all_nodes(pair: Pair, tmp_path: Path) -> None:
    """Five neighbor advertisements of each address. A neighbor accepts them at once."""
    stale = "00:00:5e:00:53:01"
    pair.third.ip(f"neighbor add {GLOBAL} lladdr {stale} dev eth0 nud reachable")
    captured = tmp_path / "advertisements.log"
    ended = capture(pair.third, captured, 10, "-v", "icmp6", "and", "ip6[40]==136")
    pair.router(pair.left, 100).wait_for("ACTIVE")
    ended.wait(10)
    shown = pair.third.run("ip", "neighbor", "show", GLOBAL).stdout
    hardware_address = pair.left.run("cat", "/sys/class/net/eth0/address").stdout.strip()
    assert hardware_address in shown
    seen = captured.read_text()
    for address in (LINK_LOCAL, GLOBAL):
        said = f"{address} > ff02::1: [icmp6 sum ok] ICMP6, neighbor advertisement, length 32,"
        assert seen.count(said) == 5
        assert seen.count(f"tgt is {address}, Flags [router, override]") == 5


def test_a_single_address_is_never_the_source_of_the_host_itself(pair: Pair) -> None:
    """A /128 has no preferred lifetime, an address with a subnet has one. Neither is tentative."""
    in_subnet = "2001:db8:77::100/64"
    pair.router(pair.left, 100, *ADDRESSES, in_subnet).wait_for("ACTIVE")
    shown = pair.left.run("ip", "-6", "address", "show", "dev", "eth0", "dynamic").stdout
    lifetimes = dict(
        re.findall(r"inet6 (\S+) .*\n\s+valid_lft \d+sec preferred_lft (\d+)sec", shown)
    )
    assert {address: int(seconds) > 0 for address, seconds in lifetimes.items()} == {
        f"{LINK_LOCAL}/128": False,
        f"{GLOBAL}/128": False,
        in_subnet: True,
    }
    assert "tentative" not in shown
    way = pair.left.run("ip", "-6", "route", "get", "2001:db8:99::3").stdout
    assert "src 2001:db8:99::1 " in way
    # The solicited-node group of both addresses (RFC 4291 2.7.1).
    assert "ff02::1:ff99:100" in pair.left.run("ip", "-6", "maddress", "show", "eth0").stdout


def test_a_source_address_that_is_tentative_is_waited_for(pair: Pair) -> None:
    """Duplicate address detection takes a second. Until its end nothing is sent."""
    pair.left.sysctl({"net.ipv6.conf.eth0.accept_dad": "1"})
    pair.left.ip("address delete fe80::1/64 dev eth0")
    router = pair.router(pair.left, 100)
    eventually(lambda: len(router.reports()) > 0, 5.0, "a notice")
    assert router.reports()[0]["fields"]["reason"] == "no_link_local_address"
    added = time.monotonic()
    pair.left.ip("address add fe80::1/64 dev eth0")
    assert "tentative" in pair.left.run("ip", "-6", "address", "show", "dev", "eth0").stdout
    assert router.wait_for("BACKUP")["at"] - added > 0.5
    assert router.wait_for("ACTIVE")
    assert router.status()["counters"].get("send_errors", 0) == 0


def test_a_bad_checksum_and_a_foreign_hop_limit_are_counted_and_change_nothing(
    pair: Pair, listener: Listener
) -> None:
    """The router checks the sum with its pseudo-header, and the hop limit (RFC 9568 5.1.2.3)."""
    router = pair.router(pair.left, 100)
    router.wait_for("ACTIVE")
    body = "fe800000000000000000000000990100 20010db8009900000000000000000100"
    good = bytes.fromhex(f"3133c802 000a d922 {body}")
    listener.send(good[:7] + b"\x00" + good[8:])
    listener.send(good, hop_limit=254)
    eventually(lambda: "dropped_ttl" in router.status()["counters"], 2.0, "the second one")
    counters = router.status()["counters"]
    assert counters["dropped_checksum"] == 1
    assert router.status()["state"] == "ACTIVE"
    listener.send(good)
    router.wait_for("BACKUP")


@pytest.mark.parametrize(
    ("forwarding", "flags"),
    [("1", "[router, solicited, override]"), ("0", "[solicited, override]")],
)
def test_solicitations_are_answered_with_the_r_flag_where_the_host_forwards(
    pair: Pair, tmp_path: Path, forwarding: str, flags: str
) -> None:
    """The R flag is set where the host forwards.

    No host sends router advertisements (RFC 9568 6.4.2, 6.4.3).
    """
    pair.left.sysctl({"net.ipv6.conf.eth0.forwarding": forwarding})
    answers, others = tmp_path / "answers", tmp_path / "router-advertisements"
    answer = capture(pair.third, answers, 1, "-v", "ip6[40] == 136 and dst host 2001:db8:99::3")
    capture(pair.third, others, 1, "icmp6 and ip6[40] == 134")
    pair.router(pair.right, 100).wait_for("ACTIVE")
    pair.router(pair.left, 200).wait_for("ACTIVE")
    pair.wait_for_holder(pair.left)
    pair.third.run(sys.executable, "-c", CONNECT, check=False)
    answer.wait(5)
    assert f"tgt is {GLOBAL}, Flags {flags}" in answers.read_text()
    assert "router advertisement" not in others.read_text()
