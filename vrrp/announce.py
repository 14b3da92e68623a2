"""Telling the link where a virtual address lives now: the frames, and when to send them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from ipaddress import IPv4Address
from itertools import count
from typing import Final

VOLLEY: Final = 5
"""Announcements of each address in a volley; as keepalived, for links that lose some."""
SPACING: Final = 0.03
"""Seconds between two of them: small receive queues keep up, and one is late enough to matter."""
SECOND_VOLLEY: Final = 5.0
"""Seconds after the takeover, when a switch port that had to come up does forward."""
REFRESH: Final = 60.0
"""Seconds between later announcements: they heal what a host learned wrongly or missed."""

_BROADCAST: Final = b"\xff" * 6
_ETHERTYPE_ARP: Final = 0x0806
# Ethernet, IPv4, their address lengths, request (RFC 826).
_ARP_HEADER: Final = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1)


def gratuitous_arp(hardware_address: bytes, address: IPv4Address) -> bytes:
    """Build the broadcast Ethernet frame that maps an address to ``hardware_address``.

    A request with sender and target address equal (RFC 5227 2.3, RFC 9568 8.1.2). Linux takes a
    request at once even into an entry it has just updated, but not every form of reply.
    """
    assert len(hardware_address) == 6
    ethernet = _BROADCAST + hardware_address + struct.pack("!H", _ETHERTYPE_ARP)
    sender = hardware_address + address.packed
    return ethernet + _ARP_HEADER + sender + _BROADCAST + address.packed


def announcement_offsets() -> Iterator[float]:
    """Seconds after a takeover at which every address is announced once, without end."""
    for start in (0.0, SECOND_VOLLEY):
        for number in range(VOLLEY):
            yield start + number * SPACING
    for number in count(1):
        yield number * REFRESH
