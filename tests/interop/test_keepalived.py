"""A pair with a real keepalived 2.2.7, in both roles and both versions."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.routers import (
    VIRTUAL_ADDRESS,
    Heard,
    Keepalived,
    Listener,
    VrrpRouter,
)
from tests.waiting import eventually

pytestmark = [pytest.mark.netns, pytest.mark.keepalived]

OURS, THEIRS = "10.99.0.1", "10.99.0.2"
SLACK = 0.2  # scheduling on a busy machine with two cores


class Protocol(NamedTuple):
    """Figures of RFC 9568 6.1 and RFC 3768 6.1 in seconds, for priority 100."""

    version: int
    advert_interval: float
    skew_100: float
    down_100: float


V3 = Protocol(3, 0.1, skew_100=0.0609, down_100=0.3609)
V2 = Protocol(2, 1.0, skew_100=0.609, down_100=3.609)

both_versions = pytest.mark.parametrize("protocol", [V3, V2], ids=["v3", "v2"])


class Lab:
    """Our host, keepalived's host, and a third host that listens."""

    def __init__(self, network: Network, directory: Path) -> None:
        self.our_host = network.host("ours", f"{OURS}/24")
        self.their_host = network.host("theirs", f"{THEIRS}/24")
        self.third_host = network.host("third", "10.99.0.3/24")
        self._directory = directory

    def ours(self, protocol: Protocol, priority: int) -> VrrpRouter:
        return VrrpRouter(
            self.our_host,
            self._directory,
            priority=priority,
            version=protocol.version,
            advert_interval=protocol.advert_interval,
        )

    def keepalived(self, protocol: Protocol, priority: int) -> Keepalived:
        return Keepalived(
            self.their_host,
            self._directory,
            priority=priority,
            version=protocol.version,
            advert_interval=protocol.advert_interval,
        )

    def holders(self) -> list[str]:
        hosts = (self.our_host, self.their_host)
        return [host.name for host in hosts if host.holds(VIRTUAL_ADDRESS)]

    def wait_for_holder(self, host: Host, timeout: float = 10.0) -> None:
        eventually(self.holders, timeout, f"{host.name} the only holder", expected=[host.name])


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with Network() as network:
        yield Lab(network, tmp_path)


@pytest.fixture
def listener(lab: Lab) -> Iterator[Listener]:
    with Listener(lab.third_host) as opened:
        yield opened


def last(heard: list[Heard], source: str) -> Heard:
    return [each for each in heard if each.source == source][-1]


def first_after(heard: list[Heard], source: str, at: float) -> Heard:
    return next(each for each in heard if each.source == source and each.at > at)


def wait_for_advertisement(listener: Listener, source: str) -> Heard:
    """Return the first advertisement of ``source`` after now."""
    begin = time.monotonic()

    def arrived() -> bool:
        return any(each.source == source and each.at > begin for each in listener.heard())

    eventually(arrived, 10.0, f"an advertisement of {source}")
    return first_after(listener.heard(), source, begin)


@both_versions
def test_the_higher_priority_wins_the_election_when_it_is_ours(
    lab: Lab, protocol: Protocol
) -> None:
    """Both start together: ours, with 200, is ACTIVE, and keepalived, with 100, holds nothing."""
    keepalived = lab.keepalived(protocol, 100)
    ours = lab.ours(protocol, 200)
    keepalived.wait_for_backup()
    ours.wait_for("ACTIVE")
    lab.wait_for_holder(lab.our_host)
    time.sleep(protocol.down_100 + SLACK)
    assert lab.holders() == ["ours"]
    assert len(ours.became("ACTIVE")) == 1


@both_versions
def test_the_higher_priority_wins_the_election_when_it_is_keepalived(
    lab: Lab, protocol: Protocol
) -> None:
    """Both start together: keepalived, with 200, is ACTIVE, and ours follows it."""
    lab.keepalived(protocol, 200)
    ours = lab.ours(protocol, 100)
    ours.wait_for("BACKUP")
    lab.wait_for_holder(lab.their_host)
    time.sleep(protocol.down_100 + SLACK)
    assert lab.holders() == ["theirs"]
    status = ours.status()
    assert status["state"] == "BACKUP"
    assert status["active_router"] == THEIRS


@both_versions
def test_we_preempt_a_keepalived_of_lower_priority(lab: Lab, protocol: Protocol) -> None:
    """Keepalived releases the address when it receives our advertisement."""
    lab.keepalived(protocol, 100)
    lab.wait_for_holder(lab.their_host)
    ours = lab.ours(protocol, 200)
    ours.wait_for("ACTIVE")
    lab.wait_for_holder(lab.our_host, 1.0)


@both_versions
def test_keepalived_of_higher_priority_preempts_us(lab: Lab, protocol: Protocol) -> None:
    """Ours becomes BACKUP and releases the address when it receives keepalived's advertisement."""
    ours = lab.ours(protocol, 100)
    ours.wait_for("ACTIVE")
    lab.keepalived(protocol, 200)
    assert ours.wait_for("BACKUP")["reason"] == "a peer has a higher priority"
    lab.wait_for_holder(lab.their_host, 1.0)


@both_versions
def test_a_graceful_stop_of_keepalived_costs_the_skew_time(
    lab: Lab, listener: Listener, protocol: Protocol
) -> None:
    """After its priority 0, ours takes over one skew time later (RFC 9568 6.4.2)."""
    keepalived = lab.keepalived(protocol, 200)
    lab.wait_for_holder(lab.their_host)
    ours = lab.ours(protocol, 100)
    ours.wait_for("BACKUP")
    time.sleep(2 * protocol.advert_interval)
    keepalived.stop()
    ours.wait_for("ACTIVE")
    heard = listener.heard()
    resignation = next(each for each in heard if each.source == THEIRS and each.priority == 0)
    gap = first_after(heard, OURS, resignation.at).at - resignation.at
    assert protocol.skew_100 - 0.001 <= gap <= protocol.skew_100 + SLACK


@both_versions
def test_a_graceful_stop_of_ours_leaves_no_moment_without_a_holder(
    lab: Lab, listener: Listener, protocol: Protocol
) -> None:
    """Keepalived takes over one skew time after our priority 0. Until then our host answers."""
    ours = lab.ours(protocol, 200)
    ours.wait_for("ACTIVE")
    lab.keepalived(protocol, 100).wait_for_backup()
    time.sleep(2 * protocol.advert_interval)
    ours.stop()
    lab.wait_for_holder(lab.their_host, 1.0)
    heard = listener.heard()
    resignation = next(each for each in heard if each.source == OURS and each.priority == 0)
    successor = first_after(heard, THEIRS, resignation.at)
    gap = successor.at - resignation.at
    assert protocol.skew_100 - 0.001 <= gap <= protocol.skew_100 + SLACK
    assert ours.became("INITIALIZE")[-1]["at"] > successor.at


def test_keepalived_announcing_the_address_ends_our_handover(lab: Lab) -> None:
    """Our status has the announcement. After the handover ours stays BACKUP."""
    ours = lab.ours(V3, 200)
    ours.wait_for("ACTIVE")
    lab.keepalived(V3, 100).wait_for_backup()
    time.sleep(2 * V3.advert_interval)
    ours.hand_over()
    assert ours.wait_for("BACKUP")["reason"] == "handed over"
    assert ours.status()["counters"]["successor_announcements"] >= 1
    lab.wait_for_holder(lab.their_host)


@both_versions
def test_a_crash_of_keepalived_costs_the_active_down_interval(
    lab: Lab, listener: Listener, protocol: Protocol
) -> None:
    """From its last advertisement to our first one: 3 intervals and the skew time."""
    keepalived = lab.keepalived(protocol, 200)
    lab.wait_for_holder(lab.their_host)
    ours = lab.ours(protocol, 100)
    ours.wait_for("BACKUP")
    time.sleep(2 * protocol.advert_interval)
    keepalived.crash()
    ours.wait_for("ACTIVE")
    heard = listener.heard()
    gap = first_after(heard, OURS, 0.0).at - last(heard, THEIRS).at
    assert protocol.down_100 - 0.001 <= gap <= protocol.down_100 + SLACK


@both_versions
def test_after_a_crash_of_ours_keepalived_becomes_the_only_holder(
    lab: Lab, listener: Listener, protocol: Protocol
) -> None:
    """It takes over in time. The kernel removes our address at the end of its lifetime."""
    ours = lab.ours(protocol, 200)
    ours.wait_for("ACTIVE")
    lab.keepalived(protocol, 100).wait_for_backup()
    time.sleep(2 * protocol.advert_interval)
    ours.crash()
    wait_for_advertisement(listener, THEIRS)
    heard = listener.heard()
    gap = first_after(heard, THEIRS, 0.0).at - last(heard, OURS).at
    assert protocol.down_100 - 0.001 <= gap <= protocol.down_100 + SLACK
    lab.wait_for_holder(lab.their_host, 4.5)
