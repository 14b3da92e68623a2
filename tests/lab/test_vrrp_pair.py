"""Two of our routers on one link: election, preemption, stop, crash, cut cables, noise."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.routers import VIRTUAL_ADDRESS, Listener, VrrpRouter
from tests.waiting import eventually

pytestmark = pytest.mark.netns

# RFC 9568 6.1, interval 0.1 s: priority 100 has a skew time of 60.9 ms, and is down after 360.9.
SKEW_100 = 0.0609
DOWN_100 = 0.3609
# For a busy machine; make bench measures a quiet one.
SLACK = 0.2
GARP_OF_VIRTUAL_ADDRESS = "Request who-has 10.99.0.100 (ff:ff:ff:ff:ff:ff) tell 10.99.0.100"


class Pair:
    """The hosts ``better`` (priority 200) and ``worse`` (100), and a third host that listens."""

    def __init__(self, network: Network, directory: Path) -> None:
        self.better_host = network.host("better", "10.99.0.1/24")
        self.worse_host = network.host("worse", "10.99.0.2/24")
        self.third_host = network.host("third", "10.99.0.3/24")
        self._directory = directory

    def better(self, *options: str) -> VrrpRouter:
        return VrrpRouter(self.better_host, self._directory, *options, priority=200)

    def worse(self, *options: str, wrapper: Sequence[str] = ()) -> VrrpRouter:
        return VrrpRouter(self.worse_host, self._directory, *options, priority=100, wrapper=wrapper)

    def settled(self) -> tuple[VrrpRouter, VrrpRouter]:
        better, worse = self.better(), self.worse()
        better.wait_for("ACTIVE")
        worse.wait_for("BACKUP")
        self.wait_for_holder(self.better_host)
        return better, worse

    def holders(self) -> list[str]:
        hosts = (self.better_host, self.worse_host)
        return [host.name for host in hosts if host.holds(VIRTUAL_ADDRESS)]

    def wait_for_holder(self, host: Host, timeout: float = 10.0) -> None:
        eventually(self.holders, timeout, f"{host.name} the only holder", expected=[host.name])


@pytest.fixture
def pair(network: Network, tmp_path: Path) -> Pair:
    return Pair(network, tmp_path)


@pytest.fixture
def listener(pair: Pair) -> Iterator[Listener]:
    with Listener(pair.third_host) as opened:
        yield opened


def counters(router: VrrpRouter) -> dict[str, int]:
    found: dict[str, int] = router.status()["counters"]
    return found


def notices(router: VrrpRouter) -> list[dict[str, Any]]:
    return [each for each in router.reports() if each["type"] == "notice"]


def test_the_higher_priority_is_elected_and_alone_holds_the_address(pair: Pair) -> None:
    """The order of the starts does not matter: one router holds it after Active_Down_Interval."""
    worse = pair.worse()
    worse.wait_for("ACTIVE")
    better = pair.better()
    better.wait_for("ACTIVE")
    pair.wait_for_holder(pair.better_host)
    assert worse.became("BACKUP")[-1]["reason"] == "a peer has a higher priority"
    assert worse.status()["active_router"] == "10.99.0.1"


def test_without_preemption_the_better_router_stays_behind(pair: Pair) -> None:
    """A router of higher priority that does not preempt follows the ACTIVE router."""
    worse = pair.worse()
    worse.wait_for("ACTIVE")
    better = pair.better("--no-preempt")
    better.wait_for("BACKUP")
    time.sleep(2 * DOWN_100)
    assert pair.holders() == ["worse"]
    assert better.status()["state"] == "BACKUP"


def test_a_graceful_stop_leaves_no_moment_without_a_holder(pair: Pair, listener: Listener) -> None:
    """The stopped router sends priority 0, and holds the address until its successor has it."""
    better, worse = pair.settled()
    better.stop()
    resignation = next(each for each in listener.heard() if each.priority == 0)
    taken = worse.wait_for("ACTIVE")
    assert taken["reason"] == "the active router sent priority 0"
    assert SKEW_100 - 0.001 <= taken["at"] - resignation.at <= SKEW_100 + SLACK
    assert better.became("INITIALIZE")[-1]["at"] > taken["at"]
    assert pair.holders() == ["worse"]


def test_a_handover_makes_the_peer_active_and_is_not_preempted(pair: Pair) -> None:
    """After a handover the better router stays BACKUP although its priority is higher."""
    better, worse = pair.settled()
    better.hand_over()
    worse.wait_for("ACTIVE")
    better.wait_for("BACKUP")
    time.sleep(2 * DOWN_100)
    assert pair.holders() == ["worse"]
    assert better.status()["yielding"] is True
    assert counters(better)["successor_announcements"] >= 1


def test_after_a_crash_the_peer_takes_over_in_time(pair: Pair, listener: Listener) -> None:
    """Three intervals and the skew time after the last advertisement.

    The kernel removes the address.
    """
    better, worse = pair.settled()
    time.sleep(0.5)
    before = time.monotonic()
    better.crash()
    taken = worse.wait_for("ACTIVE")
    last = [each for each in listener.heard() if each.source == "10.99.0.1"][-1]
    assert DOWN_100 - 0.001 <= taken["at"] - last.at <= DOWN_100 + SLACK
    pair.wait_for_holder(pair.worse_host, 4.5)
    assert time.monotonic() - before <= 4.5  # 3 s of lifetime, and the kernel's delay


def test_a_cut_cable_releases_the_address_and_a_repaired_one_returns_it(pair: Pair) -> None:
    """Without carrier the router is in INITIALIZE and holds nothing."""
    better, worse = pair.settled()
    pair.better_host.link_down()
    assert better.wait_for("INITIALIZE")["reason"] == "link_down"
    worse.wait_for("ACTIVE")
    pair.wait_for_holder(pair.worse_host)
    pair.better_host.link_up()
    better.wait_for("ACTIVE")
    worse.wait_for("BACKUP")
    pair.wait_for_holder(pair.better_host)


def test_a_missing_interface_is_reported_and_waited_for(pair: Pair) -> None:
    """A router on an interface that does not exist starts when it appears."""
    pair.worse_host.ip("link set eth0 down", "link set eth0 name eth9")
    worse = pair.worse()
    eventually(lambda: notices(worse), 5.0, "a notice")
    assert notices(worse)[0]["event"] == "interface_unusable"
    assert notices(worse)[0]["fields"] == {"interface": "eth0", "reason": "interface_missing"}
    pair.worse_host.ip("link set eth9 name eth0", "link set eth0 up")
    worse.wait_for("ACTIVE")
    pair.wait_for_holder(pair.worse_host)


def test_an_interface_without_an_address_takes_no_part(pair: Pair) -> None:
    """Without its primary address the router stops, although its virtual address stands."""
    worse = pair.worse()
    worse.wait_for("ACTIVE")
    pair.worse_host.ip("address delete 10.99.0.2/24 dev eth0")
    assert worse.wait_for("INITIALIZE")["reason"] == "no_address"
    eventually(pair.holders, 5.0, "the virtual address gone", expected=[])


def test_an_address_that_an_operator_removes_is_restored(pair: Pair) -> None:
    """At once, long before the refresh of every half second. It is counted and reported."""
    worse = pair.worse()
    worse.wait_for("ACTIVE")
    pair.wait_for_holder(pair.worse_host)
    for _ in range(5):
        pair.worse_host.ip(f"address delete {VIRTUAL_ADDRESS}/32 dev eth0")
        time.sleep(0.05)
        assert pair.holders() == ["worse"]
    assert worse.status()["state"] == "ACTIVE"
    assert counters(worse)["addresses_removed"] == 5
    told = [each["fields"] for each in notices(worse)]
    assert {"instance": "eth0-51", "address": VIRTUAL_ADDRESS, "count": 1} in told
    worse.stop()
    assert pair.holders() == []


def test_a_leftover_with_a_lifetime_is_removed_at_the_start(pair: Pair) -> None:
    """An address that an earlier process left does not stay on a BACKUP."""
    pair.better().wait_for("ACTIVE")
    pair.worse_host.ip(f"address add {VIRTUAL_ADDRESS}/32 dev eth0 valid_lft 60 preferred_lft 60")
    pair.worse().wait_for("BACKUP")
    pair.wait_for_holder(pair.better_host)


def test_a_permanent_address_is_never_touched(pair: Pair) -> None:
    """An address without a lifetime is the host's own: it gets none, and is not removed."""
    pair.worse_host.ip(f"address add {VIRTUAL_ADDRESS}/32 dev eth0")
    worse = pair.worse()
    worse.wait_for("ACTIVE")
    time.sleep(0.6)
    shown = pair.worse_host.run("ip", "address", "show", "dev", "eth0", "permanent").stdout
    assert f"{VIRTUAL_ADDRESS}/32" in shown
    worse.stop()
    assert pair.holders() == ["worse"]


def test_a_router_resumes_for_a_process_that_died(pair: Pair) -> None:
    """Started with --resume it is ACTIVE at once, and its peer does not stay ACTIVE."""
    better, worse = pair.settled()
    before = len(worse.became("ACTIVE"))
    better.process.kill()
    pair.better("--resume").wait_for("ACTIVE")
    time.sleep(2 * DOWN_100)
    # During a start that takes longer than 0.3 s the peer is ACTIVE for a moment.
    assert len(worse.became("ACTIVE")) <= before + 1
    pair.wait_for_holder(pair.better_host)


def test_noise_on_protocol_112_is_counted_and_harmless(pair: Pair, listener: Listener) -> None:
    """Random bytes, also after a right first byte and VRID, change only counters."""
    better, worse = pair.settled()
    transitions = counters(worse)["transitions"]
    noise = random.Random(112)
    for _ in range(50):
        listener.send(noise.randbytes(noise.randrange(60)))
        listener.send(b"\x31\x33" + noise.randbytes(noise.randrange(40)))
    time.sleep(3 * DOWN_100)
    seen = counters(worse)
    dropped = sum(count for name, count in seen.items() if name.startswith("dropped_"))
    assert dropped >= 50
    assert seen["transitions"] == transitions
    assert better.status()["state"] == "ACTIVE"
    told = [each for each in notices(worse) if each["event"] == "advertisement_dropped"]
    kinds = {each["fields"]["reason"] for each in told}
    assert 0 < len(told) <= len(kinds) + 1  # one for each reason, and one for unknown VRIDs


def test_the_takeover_is_announced_by_gratuitous_arp(pair: Pair, tmp_path: Path) -> None:
    """Five requests for the address from its new holder (RFC 9568 8.1.2)."""
    captured = tmp_path / "arp"
    with captured.open("w") as output:
        capture = pair.third_host.start(
            *("tcpdump", "-n", "-l", "-c", "5", "-i", "eth0", "arp", "host", VIRTUAL_ADDRESS),
            output=output,
        )
    pair.worse().wait_for("ACTIVE")
    capture.wait(10)
    assert captured.read_text().count(GARP_OF_VIRTUAL_ADDRESS) == 5


def test_a_missing_capability_is_named_and_delays_nothing(pair: Pair) -> None:
    """Without CAP_NET_RAW there is no election, without CAP_NET_ADMIN no address. A stop works."""
    worse = pair.worse(wrapper=("setpriv", "--bounding-set", "-all", "--inh-caps", "-all"))
    eventually(lambda: len(notices(worse)), 5.0, "two notices", expected=2)
    told = {each["event"]: each["fields"] for each in notices(worse)}
    assert told["interface_unusable"]["reason"] == "CAP_NET_RAW is needed"
    assert told["address_failed"]["error"] == (
        "cannot remove 10.99.0.100/32: CAP_NET_ADMIN is needed"
    )
    worse.stop()


def test_a_frozen_backup_reads_waiting_advertisements_before_its_timer(pair: Pair) -> None:
    """Stopped for several Active_Down_Intervals, it is still BACKUP when it continues."""
    better, worse = pair.settled()
    transitions = counters(worse)["transitions"]
    worse.process.send_signal(signal.SIGSTOP)
    time.sleep(4 * DOWN_100)
    worse.process.send_signal(signal.SIGCONT)
    time.sleep(2 * DOWN_100)
    assert counters(worse)["transitions"] == transitions
    assert better.status()["state"] == "ACTIVE"
