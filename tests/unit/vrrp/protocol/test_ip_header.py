"""Packets as they are on the link."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest

from vrrp.protocol.ip_header import parse_packet
from vrrp.protocol.packet import Datagram, DropReason, PacketError

# Captured from keepalived 2.2.7.
IPV6 = bytes.fromhex(
    "6c0c686e002870fffe800000000000000000 00fffe000001 ff020000000000000000000000000012"
    "3133960200640bcb fe800000000000000000000000990100 20010db8009900000000000000000100"
)


def test_an_ipv6_packet_is_split_at_its_header() -> None:
    assert parse_packet(IPV6 + b"padding") == Datagram(
        IPv6Address("fe80::ff:fe00:1"), IPv6Address("ff02::12"), 255, IPV6[40:]
    )


def test_an_ipv4_packet_is_split_at_its_header() -> None:
    header = bytes.fromhex("4500001c00000000ff700000 0a630001 e0000012")
    assert parse_packet(header + b"12345678") == Datagram(
        IPv4Address("10.99.0.1"), IPv4Address("224.0.0.18"), 255, b"12345678"
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", DropReason.IP_TRUNCATED),
        (IPV6[:39], DropReason.IP_TRUNCATED),
        (IPV6[:-1], DropReason.IP_TRUNCATED),
        (IPV6[:6] + b"\x3a" + IPV6[7:], DropReason.IP_PROTOCOL),
        (b"\x50" + IPV6[1:], DropReason.IP_VERSION),
    ],
)
def test_a_packet_with_a_wrong_header_is_refused(data: bytes, reason: DropReason) -> None:
    with pytest.raises(PacketError) as error:
        parse_packet(data)
    assert error.value.reason is reason
