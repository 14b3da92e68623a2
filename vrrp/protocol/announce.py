"""Announcements of virtual addresses (gratuitous ARP, neighbor advertisement), and their times."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from vrrp.protocol.checksum import ones_complement_sum, pseudo_header
from vrrp.protocol.packet import Address

VOLLEY: Final = 5
"""Announcements of each address in a volley, as in keepalived: a link may lose some of them."""
SPACING: Final = 0.03
"""Seconds between two announcements of a volley, so that small receive queues do not overflow."""
SECOND_VOLLEY: Final = 5.0
"""Seconds from the takeover to the second volley: a switch port that came up forwards by then."""
BURST: Final = 16
"""Addresses that are announced before timers run again. A burst takes a fraction of a millisecond,
so announcing hundreds of addresses does not delay an advertisement."""
BURST_SPACING: Final = 0.001
"""Seconds between two bursts."""
REANNOUNCE_SPACING: Final = 1.0
"""Minimum seconds between announcements that packets of peers cause, to limit their rate."""
REFRESH: Final = 60.0
"""Seconds between later announcements, for hosts that missed one or learned another address."""

_BROADCAST: Final = b"\xff" * 6
_ETHERTYPE_ARP: Final = 0x0806
# Ethernet, IPv4, their address lengths, request (RFC 826).
_ARP_HEADER: Final = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1)

_ALL_NODES: Final = IPv6Address("ff02::1")
_ALL_NODES_ETHERNET: Final = bytes.fromhex("333300000001")
_ETHERTYPE_IPV6: Final = 0x86DD
_ICMPV6: Final = 58
_HOP_LIMIT: Final = 255
# Type 136, code 0, no checksum yet, Router and Override (RFC 4861 4.4).
_NEIGHBOR_ADVERTISEMENT: Final = struct.pack("!BBHI", 136, 0, 0, 0xA0000000)
_TARGET_LINK_LAYER_ADDRESS: Final = 2


def gratuitous_arp(hardware_address: bytes, address: IPv4Address) -> bytes:
    """Build the broadcast Ethernet frame that maps an address to ``hardware_address``.

    It is a request in which sender and target address are equal (RFC 5227 2.3, RFC 9568 8.1.2).
    Linux accepts a request even for an entry that it has just updated, but not every form of reply.
    """
    assert len(hardware_address) == 6
    ethernet = _BROADCAST + hardware_address + struct.pack("!H", _ETHERTYPE_ARP)
    sender = hardware_address + address.packed
    return ethernet + _ARP_HEADER + sender + _BROADCAST + address.packed


def unsolicited_neighbor_advertisement(hardware_address: bytes, address: IPv6Address) -> bytes:
    """Build the Ethernet frame that maps an address to ``hardware_address`` (RFC 9568 8.2.2).

    The flags Router and Override are set, and Solicited is not (RFC 9568 6.4.2). Without Router,
    hosts would remove the address from their default routers (RFC 4861 7.2.5).
    """
    assert len(hardware_address) == 6
    target = struct.pack("!BB", _TARGET_LINK_LAYER_ADDRESS, 1) + hardware_address
    message = _NEIGHBOR_ADVERTISEMENT + address.packed + target
    covered = pseudo_header(address, _ALL_NODES, _ICMPV6, len(message)) + message
    message = message[:2] + struct.pack("!H", 0xFFFF - ones_complement_sum(covered)) + message[4:]
    header = struct.pack("!IHBB", 6 << 28, len(message), _ICMPV6, _HOP_LIMIT)
    header += address.packed + _ALL_NODES.packed
    ethernet = _ALL_NODES_ETHERNET + hardware_address + struct.pack("!H", _ETHERTYPE_IPV6)
    return ethernet + header + message


def announcement(hardware_address: bytes, address: Address) -> bytes:
    """Build the frame that announces an address of either family."""
    if isinstance(address, IPv4Address):
        return gratuitous_arp(hardware_address, address)
    return unsolicited_neighbor_advertisement(hardware_address, address)


def announced_address(frame: bytes) -> Address | None:
    """Return the address that an Ethernet frame announces; None if it is not an announcement.

    Announcements are ARP packets in which sender and target address are equal, and neighbor
    advertisements to all nodes.
    """
    kind = frame[12:14]
    if kind == struct.pack("!H", _ETHERTYPE_ARP):
        sender, target = frame[28:32], frame[38:42]
        return IPv4Address(sender) if len(target) == 4 and sender == target else None
    to_all_nodes = kind == struct.pack("!H", _ETHERTYPE_IPV6) and frame[38:54] == _ALL_NODES.packed
    if to_all_nodes and frame[20:21] == bytes([_ICMPV6]) and frame[54:55] == bytes([136]):
        address = frame[62:78]
        return IPv6Address(address) if len(address) == 16 else None
    return None


def schedule(count: int) -> Iterator[tuple[float, slice]]:
    """Yield the endless schedule of announcements: a time, and the addresses to announce at it.

    Times are in seconds after the takeover. ``count`` is the number of addresses, at least 1.
    """
    bursts = [slice(start, start + BURST) for start in range(0, count, BURST)]
    spacing = max(SPACING, len(bursts) * BURST_SPACING)
    rounds = itertools.chain(
        (number * spacing for number in range(VOLLEY)),
        (SECOND_VOLLEY + number * spacing for number in range(VOLLEY)),
        (number * REFRESH for number in itertools.count(1)),
    )
    for start in rounds:
        for place, burst in enumerate(bursts):
            yield start + place * BURST_SPACING, burst
