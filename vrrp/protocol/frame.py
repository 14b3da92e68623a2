"""Advertisements as complete Ethernet frames, which have the virtual MAC as their source."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address
from typing import Final

from vrrp.protocol.checksum import ones_complement_sum
from vrrp.protocol.packet import (
    MULTICAST_IPV4,
    MULTICAST_IPV6,
    PROTOCOL,
    TRAFFIC_CLASS,
    TTL,
    Address,
)

_GROUP_IPV4_ETHERNET: Final = b"\x01\x00\x5e" + MULTICAST_IPV4.packed[1:]  # RFC 1112 6.4
_GROUP_IPV6_ETHERNET: Final = b"\x33\x33" + MULTICAST_IPV6.packed[12:]  # RFC 2464 7
_ETHERTYPE_IPV4, _ETHERTYPE_IPV6 = 0x0800, 0x86DD
_IPV4_HEADER: Final = struct.Struct("!BBHHHBBH")
_IPV4_HEADER_BYTES: Final = 20


def advertisement_frame(hardware_address: bytes, source: Address, message: bytes) -> bytes:
    """Build the frame that sends a VRRP message to the multicast group of the source's family.

    The frame has the virtual MAC as its source, ``source`` as its IP source, and TTL 255
    (RFC 9568 7.2, 5.1.1, 5.1.2).
    """
    assert len(hardware_address) == 6
    if isinstance(source, IPv4Address):
        kind, group = _ETHERTYPE_IPV4, _GROUP_IPV4_ETHERNET
        header = _ipv4_header(source, _IPV4_HEADER_BYTES + len(message))
    else:
        kind, group = _ETHERTYPE_IPV6, _GROUP_IPV6_ETHERNET
        start = 6 << 28 | TRAFFIC_CLASS << 20
        header = struct.pack("!IHBB", start, len(message), PROTOCOL, TTL)
        header += source.packed + MULTICAST_IPV6.packed
    return group + hardware_address + struct.pack("!H", kind) + header + message


def _ipv4_header(source: IPv4Address, length: int) -> bytes:
    addresses = source.packed + MULTICAST_IPV4.packed
    fields = (0x45, TRAFFIC_CLASS, length, 0, 0, TTL, PROTOCOL)
    checksum = 0xFFFF - ones_complement_sum(_IPV4_HEADER.pack(*fields, 0) + addresses)
    return _IPV4_HEADER.pack(*fields, checksum) + addresses
