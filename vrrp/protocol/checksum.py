"""The Internet checksum (RFC 1071), and the pseudo-headers that a checksum may cover."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address


def ones_complement_sum(data: bytes) -> int:
    """Return the ones' complement sum of 16-bit words; 0xFFFF if ``data`` has a valid checksum.

    The length of ``data`` must be even.
    """
    number = int.from_bytes(data, "big")  # 2**16 is 1 modulo 0xFFFF, so this adds the words
    return number % 0xFFFF or (0xFFFF if number else 0)


def pseudo_header(
    source: IPv4Address | IPv6Address,
    destination: IPv4Address | IPv6Address,
    protocol: int,
    length: int,
) -> bytes:
    """Build the pseudo-header (RFC 793 3.1 for IPv4, RFC 8200 8.1 for IPv6)."""
    layout = "!HH" if source.version == 4 else "!II"
    upper = (protocol, length) if source.version == 4 else (length, protocol)
    return source.packed + destination.packed + struct.pack(layout, *upper)
