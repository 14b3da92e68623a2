"""Builds advertisements as complete Ethernet frames with the virtual MAC as their source."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address
from typing import Final

from vrrp.protocol.checksum import ones_complement_sum
from vrrp.protocol.packet import PROTOCOL, TRAFFIC_CLASS, TTL, Address

_ETHERTYPE_IPV4, _ETHERTYPE_IPV6 = 0x0800, 0x86DD
_IPV4_HEADER: Final = struct.Struct("!BBHHHBBH")
_IPV4_HEADER_BYTES: Final = 20


def advertisement_frame(
    hardware_address: bytes, source: Address, group: Address, message: bytes
) -> bytes:
    """Build the frame that sends a VRRP message to a multicast group.

    The frame has the virtual MAC as its source, ``source`` as its IP source, and TTL 255
    (RFC 9568 7.2, 5.1.1, 5.1.2).
    """
    assert len(hardware_address) == 6
    if isinstance(source, IPv4Address):
        kind = _ETHERTYPE_IPV4
        header = _ipv4_header(source.packed + group.packed, _IPV4_HEADER_BYTES + len(message))
    else:
        kind = _ETHERTYPE_IPV6
        start = 6 << 28 | TRAFFIC_CLASS << 20
        header = struct.pack("!IHBB", start, len(message), PROTOCOL, TTL)
        header += source.packed + group.packed
    return _ethernet(group) + hardware_address + struct.pack("!H", kind) + header + message


def _ethernet(group: Address) -> bytes:
    """Return the MAC address of a multicast group (RFC 1112 6.4, RFC 2464 7)."""
    if isinstance(group, IPv4Address):
        return b"\x01\x00\x5e" + bytes((group.packed[1] & 0x7F,)) + group.packed[2:]
    return b"\x33\x33" + group.packed[12:]


def _ipv4_header(addresses: bytes, length: int) -> bytes:
    fields = (0x45, TRAFFIC_CLASS, length, 0, 0, TTL, PROTOCOL)
    checksum = 0xFFFF - ones_complement_sum(_IPV4_HEADER.pack(*fields, 0) + addresses)
    return _IPV4_HEADER.pack(*fields, checksum) + addresses
