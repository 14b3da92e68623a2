"""The Internet checksum (RFC 1071) and the pseudo-headers it may cover."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address


def ones_complement_sum(data: bytes) -> int:
    """The sum of 16-bit words; ``data`` is of even length. Right data sums up to 0xFFFF."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def pseudo_header(
    source: IPv4Address | IPv6Address,
    destination: IPv4Address | IPv6Address,
    protocol: int,
    length: int,
) -> bytes:
    """RFC 793 3.1 for IPv4, RFC 8200 8.1 for IPv6."""
    layout = "!HH" if source.version == 4 else "!II"
    upper = (protocol, length) if source.version == 4 else (length, protocol)
    return source.packed + destination.packed + struct.pack(layout, *upper)
