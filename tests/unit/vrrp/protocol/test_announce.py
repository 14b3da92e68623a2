"""Announcements: the frames of keepalived 2.2.7, and the times at which they are sent."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from itertools import islice

import pytest

from vrrp.protocol.announce import (
    announced_address,
    gratuitous_arp,
    schedule,
    unsolicited_neighbor_advertisement,
)


def test_the_frame_is_the_one_keepalived_sends() -> None:
    expected = (
        "ffffffffffff 020000000001 0806"
        "0001 0800 06 04 0001"
        "020000000001 0a630064 ffffffffffff 0a630064"
    )
    frame = gratuitous_arp(bytes.fromhex("020000000001"), IPv4Address("10.99.0.100"))
    assert frame == bytes.fromhex(expected)


def test_the_advertisement_of_an_ipv6_address_is_the_one_keepalived_sends_as_a_router() -> None:
    """The bytes of keepalived 2.2.7 on a host that forwards: flags 0xa0 are Router and Override."""
    expected = (
        "333300000001 020000000001 86dd"
        "60000000 0020 3a ff 20010db8009900000000000000000100 ff020000000000000000000000000001"
        "88 00 75fa a0000000 20010db8009900000000000000000100 0201 020000000001"
    )
    address = IPv6Address("2001:db8:99::100")
    frame = unsolicited_neighbor_advertisement(bytes.fromhex("020000000001"), address)
    assert frame == bytes.fromhex(expected)


def test_five_at_once_five_after_five_seconds_then_one_a_minute() -> None:
    expected = [0.0, 0.03, 0.06, 0.09, 0.12, 5.0, 5.03, 5.06, 5.09, 5.12, 60.0, 120.0, 180.0]
    offsets = [offset for offset, _ in islice(schedule(16), 13)]
    assert offsets == pytest.approx(expected)


def test_many_addresses_are_announced_in_bursts_of_sixteen_a_millisecond_apart() -> None:
    """A volley of 200 takes 13 bursts, and the next one begins 30 ms later."""
    begun = list(islice(schedule(200), 14))
    assert [offset for offset, _ in begun] == pytest.approx([n / 1000 for n in range(13)] + [0.03])
    addresses = list(range(200))
    announced = [each for _, burst in begun[:13] for each in addresses[burst]]
    assert announced == addresses


def test_a_round_that_takes_longer_than_the_spacing_is_not_overtaken() -> None:
    offsets = [offset for offset, _ in islice(schedule(1000), 64)]
    assert offsets == sorted(offsets)
    assert offsets[63] == pytest.approx(0.063)


ARP_REPLY = (
    "ffffffffffff 020000000001 08060001 0800 06 04 0002020000000001 0a630064 ffffffffffff 0a630064"
)
NEIGHBOR_ADVERTISEMENT = (
    "333300000001 020000000001 86dd"
    "60000000 0020 3a ff 20010db8009900000000000000000100 ff020000000000000000000000000001"
    "88 00 75fa a0000000 20010db8009900000000000000000100 0201 020000000001"
)


@pytest.mark.parametrize("octets", [ARP_REPLY, ARP_REPLY.replace("0002", "0001", 1)])
def test_an_arp_packet_about_oneself_announces_an_ipv4_address(octets: str) -> None:
    assert announced_address(bytes.fromhex(octets)) == IPv4Address("10.99.0.100")


def test_a_neighbor_advertisement_to_all_nodes_announces_an_ipv6_address() -> None:
    assert announced_address(bytes.fromhex(NEIGHBOR_ADVERTISEMENT)) == IPv6Address(
        "2001:db8:99::100"
    )


@pytest.mark.parametrize(
    "octets",
    [
        "",
        ARP_REPLY[:-9],
        ARP_REPLY.replace("ffffffffffff 0a630064", "ffffffffffff 0a630065"),
        ARP_REPLY.replace("0806", "0800"),
        NEIGHBOR_ADVERTISEMENT[:150],
        NEIGHBOR_ADVERTISEMENT.replace("88 00", "87 00"),
        NEIGHBOR_ADVERTISEMENT.replace("3a ff", "11 ff"),
        NEIGHBOR_ADVERTISEMENT.replace("ff020000000000000000000000000001", "20010db8" + 24 * "0"),
    ],
)
def test_other_frames_announce_nothing(octets: str) -> None:
    """Incomplete, about another host, of another protocol or type, or to one host only."""
    whole = octets.replace(" ", "")
    assert announced_address(bytes.fromhex(whole[: len(whole) // 2 * 2])) is None
