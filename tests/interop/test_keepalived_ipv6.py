"""A pair over IPv6 with a real keepalived 2.2.7, in both roles."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.routers import Heard, Keepalived, Listener, VrrpRouter, wait_for_holder
from tests.lab.wire import Wire
from tests.waiting import eventually

pytestmark = [pytest.mark.netns, pytest.mark.keepalived]

OURS, THEIRS = "fe80::1", "fe80::2"
LINK_LOCAL, GLOBAL = "fe80::99:100", "2001:db8:99::100"
ADDRESSES = (f"{LINK_LOCAL}/128", f"{GLOBAL}/128")
# RFC 9568 6.1, interval 0.1 s, priority 100.
SKEW_100 = 0.0609
DOWN_100 = 0.3609
SLACK = 0.05
# The kernel gives the hosts no link-local address; the test does.
GIVEN = {"net.ipv6.conf.eth0.addr_gen_mode": "1", "net.ipv6.conf.eth0.accept_dad": "0"}


class Lab:
    """Our host, keepalived's host, and a third host that listens."""

    def __init__(self, network: Network, directory: Path) -> None:
        self.our_host = network.host("ours", f"{OURS}/64", sysctls=GIVEN)
        self.their_host = network.host("theirs", f"{THEIRS}/64", sysctls=GIVEN)
        self.third_host = network.host("third", "fe80::3/64", sysctls=GIVEN)
        self._directory = directory

    def ours(self, priority: int, addresses: Sequence[str] = ADDRESSES) -> VrrpRouter:
        return VrrpRouter(self.our_host, self._directory, priority=priority, addresses=addresses)

    def keepalived(self, priority: int, addresses: Sequence[str] = ADDRESSES) -> Keepalived:
        return Keepalived(self.their_host, self._directory, priority=priority, addresses=addresses)

    def wait_for_holder(self, host: Host, timeout: float = 10.0) -> None:
        """Wait until a host alone holds both addresses."""
        wait_for_holder((self.our_host, self.their_host), host, (LINK_LOCAL, GLOBAL), timeout)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with Network() as network:
        yield Lab(network, tmp_path)


@pytest.fixture
def listener(lab: Lab) -> Iterator[Listener]:
    with Listener(lab.third_host, family=6) as opened:
        yield opened


def first_after(listener: Listener, source: str, at: float) -> Heard:
    """Wait for the first advertisement of ``source`` after ``at``, and return it."""

    def found() -> list[Heard]:
        return [each for each in listener.heard() if each.source == source and each.at > at]

    eventually(found, 10.0, f"an advertisement of {source}")
    return found()[0]


def test_keepalived_of_higher_priority_preempts_us_and_its_stop_costs_the_skew_time(
    lab: Lab, listener: Listener
) -> None:
    """Ours was ACTIVE first, follows keepalived, and takes over 60.9 ms after its priority 0."""
    ours = lab.ours(100)
    ours.wait_for("ACTIVE")
    keepalived = lab.keepalived(200)
    assert ours.wait_for("BACKUP")["reason"] == "a peer has a higher priority"
    lab.wait_for_holder(lab.their_host)
    assert ours.status()["active_router"] == THEIRS
    keepalived.stop()
    resignation = next(each for each in listener.heard() if each.priority == 0)
    gap = first_after(listener, OURS, resignation.at).at - resignation.at
    assert SKEW_100 - 0.001 <= gap <= SKEW_100 + SLACK
    lab.wait_for_holder(lab.our_host)


def test_we_of_higher_priority_preempt_keepalived_and_stop_without_a_gap(
    lab: Lab, listener: Listener
) -> None:
    """Keepalived follows ours, and takes over while our host still holds the addresses."""
    lab.keepalived(100)
    lab.wait_for_holder(lab.their_host)
    ours = lab.ours(200)
    ours.wait_for("ACTIVE")
    lab.wait_for_holder(lab.our_host)
    time.sleep(DOWN_100 + SLACK)
    lab.wait_for_holder(lab.our_host)
    assert "address_list_differs" not in ours.status()["counters"]
    ours.stop()
    resignation = next(
        each for each in listener.heard() if each.source == OURS and each.priority == 0
    )
    successor = first_after(listener, THEIRS, resignation.at)
    assert SKEW_100 - 0.001 <= successor.at - resignation.at <= SKEW_100 + SLACK
    assert ours.became("INITIALIZE")[-1]["at"] > successor.at
    lab.wait_for_holder(lab.their_host, 1.0)


def test_keepalived_announcing_both_addresses_ends_our_handover(lab: Lab) -> None:
    ours = lab.ours(200)
    ours.wait_for("ACTIVE")
    lab.keepalived(100)
    time.sleep(DOWN_100 + SLACK)
    ours.hand_over()
    assert ours.wait_for("BACKUP")["reason"] == "handed over"
    assert ours.status()["counters"]["successor_announcements"] >= 2
    lab.wait_for_holder(lab.their_host)


def test_a_crash_of_keepalived_costs_the_active_down_interval(lab: Lab, listener: Listener) -> None:
    keepalived = lab.keepalived(200)
    lab.wait_for_holder(lab.their_host)
    ours = lab.ours(100)
    ours.wait_for("BACKUP")
    time.sleep(0.2)
    keepalived.crash()
    ours.wait_for("ACTIVE")
    last = [each for each in listener.heard() if each.source == THEIRS][-1]
    gap = first_after(listener, OURS, last.at).at - last.at
    assert DOWN_100 - 0.001 <= gap <= DOWN_100 + SLACK


def test_after_a_crash_of_ours_keepalived_becomes_the_only_holder(
    lab: Lab, listener: Listener
) -> None:
    """It takes over in time. The kernel removes our addresses at the end of their lifetime."""
    ours = lab.ours(200)
    ours.wait_for("ACTIVE")
    lab.keepalived(100).wait_for_backup()
    time.sleep(0.2)
    ours.crash()
    last = [each for each in listener.heard() if each.source == OURS][-1]
    gap = first_after(listener, THEIRS, last.at).at - last.at
    assert DOWN_100 - 0.001 <= gap <= DOWN_100 + SLACK
    lab.wait_for_holder(lab.their_host, 4.5)


IPV6, SIXTEEN_BYTES = 0x86DD, "20010db8009900000000000000000100"


@pytest.mark.parametrize(
    ("addresses", "listed"),
    [
        ((f"{GLOBAL}/128",), SIXTEEN_BYTES),
        (ADDRESSES[::-1], SIXTEEN_BYTES + "fe800000000000000000000000990100"),
    ],
)
def test_a_first_address_that_is_not_link_local(
    lab: Lab, addresses: tuple[str, ...], listed: str
) -> None:
    """In both roles. Both send the addresses in the order of the configuration."""
    with Wire(lab.third_host) as wire:
        ours = lab.ours(200, addresses)
        ours.wait_for("ACTIVE")
        keepalived = lab.keepalived(100, addresses)
        keepalived.wait_for_backup()
        time.sleep(2 * DOWN_100)
        assert (keepalived.entered("ACTIVE"), ours.entered("ACTIVE")) == (0, 1)
        ours.stop()
        eventually(lambda: lab.their_host.holds(GLOBAL), 2.0, "keepalived ACTIVE")
        ours = lab.ours(100, addresses)
        ours.wait_for("BACKUP")
        time.sleep(2 * DOWN_100)
        assert (ours.entered("ACTIVE"), ours.status()["active_router"]) == (0, THEIRS)
        keepalived.stop()
        ours.wait_for("ACTIVE", 1.0)
        messages = [
            (frame.payload[8:24].hex(), frame.payload[48:].hex())
            for frame in wire.frames()
            if frame.kind == IPV6 and frame.payload[6] == 112
        ]
    sources = {f"fe80{'0' * 27}{digit}" for digit in "12"}
    assert set(messages) == {(source, listed) for source in sources}
