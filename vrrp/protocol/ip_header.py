"""Reads the IP header of a captured packet, IPv4 or IPv6. Pure."""

from __future__ import annotations

import struct
from ipaddress import IPv6Address
from typing import Final

from vrrp.protocol.packet import PROTOCOL, Datagram, DropReason, PacketError, parse_datagram

_IPV6_HEADER: Final = struct.Struct("!IHBB16s16s")


def parse_packet(data: bytes) -> Datagram:
    """Decode a packet that begins with its IP header. Raises PacketError.

    An IPv6 packet with extension headers is refused, because no router sends such
    advertisements.
    """
    if not data or data[0] >> 4 != 6:
        return parse_datagram(data)
    if len(data) < _IPV6_HEADER.size:
        raise PacketError(DropReason.IP_TRUNCATED)
    _, length, protocol, hop_limit, source, destination = _IPV6_HEADER.unpack_from(data)
    if protocol != PROTOCOL:
        raise PacketError(DropReason.IP_PROTOCOL)
    end = _IPV6_HEADER.size + length
    if end > len(data):
        raise PacketError(DropReason.IP_TRUNCATED)
    payload = bytes(data[_IPV6_HEADER.size : end])
    return Datagram(IPv6Address(source), IPv6Address(destination), hop_limit, payload)
