"""Packets are counted by their source address, for a limited number of addresses."""

from __future__ import annotations

from ipaddress import IPv4Address

from vrrp.instance.senders import Senders
from vrrp.model.report import SenderCounts
from vrrp.protocol.packet import DropReason

PEER = IPv4Address("10.99.0.1")


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


def test_accepted_packets_of_an_address_and_the_silence_after_the_latest_one() -> None:
    clock = Clock()
    senders = Senders(clock)
    senders.count_advertisement(PEER)
    clock.now = 51.0
    senders.count_advertisement(PEER)
    clock.now = 53.5
    assert senders.counts() == (SenderCounts("10.99.0.1", 2, 2.5, {}),)
    assert senders.seconds == 3.5


def test_dropped_packets_are_counted_until_the_next_accepted_one() -> None:
    senders = Senders(Clock())
    senders.count_drop(PEER, DropReason.HMAC_TAG)
    senders.count_drop(PEER, DropReason.HMAC_TAG)
    senders.count_drop(PEER, DropReason.CHECKSUM)
    dropped = {"hmac_tag": 2, "checksum": 1}
    assert senders.counts() == (SenderCounts("10.99.0.1", 0, None, dropped),)
    senders.count_advertisement(PEER)
    assert senders.counts() == (SenderCounts("10.99.0.1", 1, 0.0, {}),)


def test_the_latest_sender_is_at_the_end() -> None:
    senders = Senders(Clock())
    for host in (1, 2, 1):
        senders.count_advertisement(IPv4Address(f"10.99.0.{host}"))
    assert [each.address for each in senders.counts()] == ["10.99.0.2", "10.99.0.1"]


def test_own_packets_and_packets_without_a_source_are_not_counted() -> None:
    senders = Senders(Clock())
    senders.count_drop(PEER, DropReason.OWN_PACKET)
    senders.count_drop(IPv4Address(0), DropReason.SOURCE)
    senders.count_drop(None, DropReason.IP_TRUNCATED)
    assert senders.counts() == ()


def test_a_flood_from_many_addresses_does_not_remove_an_accepted_peer() -> None:
    senders = Senders(Clock())
    senders.count_advertisement(PEER)
    for host in range(2, 200):
        senders.count_drop(IPv4Address(f"10.99.0.{host}"), DropReason.CHECKSUM)
    counts = senders.counts()
    assert len(counts) == 8
    assert counts[0] == SenderCounts("10.99.0.1", 1, 0.0, {})
    assert counts[-1] == SenderCounts("10.99.0.199", 0, None, {"checksum": 1})


def test_the_address_that_was_silent_longest_makes_room_for_a_ninth_accepted_one() -> None:
    senders = Senders(Clock())
    for host in range(1, 10):
        senders.count_advertisement(IPv4Address(f"10.99.0.{host}"))
    assert [each.address for each in senders.counts()] == [
        f"10.99.0.{host}" for host in range(2, 10)
    ]
