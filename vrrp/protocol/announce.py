"""Telling the link where a virtual address lives now: the frames, and when to send them."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from vrrp.protocol.checksum import ones_complement_sum, pseudo_header
from vrrp.protocol.packet import Address

VOLLEY: Final = 5
"""Announcements of each address in a volley; as keepalived, for links that lose some."""
SPACING: Final = 0.03
"""Seconds between two of them: small receive queues keep up, and one is late enough to matter."""
SECOND_VOLLEY: Final = 5.0
"""Seconds after the takeover, when a switch port that had to come up does forward."""
BURST: Final = 16
"""Addresses announced in one go, which takes a fraction of a millisecond; then timers get their
turn, for announcing hundreds may not delay an advertisement."""
BURST_SPACING: Final = 0.001
"""Seconds between two bursts."""
REANNOUNCE_SPACING: Final = 1.0
"""Seconds between announcements provoked by others, who must not be able to multiply frames."""
REFRESH: Final = 60.0
"""Seconds between later announcements: they heal what a host learned wrongly or missed."""

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

    A request with sender and target address equal (RFC 5227 2.3, RFC 9568 8.1.2). Linux takes a
    request at once even into an entry it has just updated, but not every form of reply.
    """
    assert len(hardware_address) == 6
    ethernet = _BROADCAST + hardware_address + struct.pack("!H", _ETHERTYPE_ARP)
    sender = hardware_address + address.packed
    return ethernet + _ARP_HEADER + sender + _BROADCAST + address.packed


def unsolicited_neighbor_advertisement(hardware_address: bytes, address: IPv6Address) -> bytes:
    """Build the Ethernet frame that tells all nodes of ``hardware_address`` (RFC 9568 8.2.2).

    Router and Override are set, Solicited is not (RFC 9568 6.4.2): a host that uses the address
    as its default router would drop it at an advertisement without Router (RFC 4861 7.2.5).
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
    """Build the frame that announces an address, by its family."""
    if isinstance(address, IPv4Address):
        return gratuitous_arp(hardware_address, address)
    return unsolicited_neighbor_advertisement(hardware_address, address)


def announced(frame: bytes) -> Address | None:
    """Read which address an Ethernet frame announces; None when it announces none.

    An ARP request or reply with sender and target address equal, or a neighbour advertisement to
    all nodes.
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
    """When to announce which of ``count`` addresses, in seconds after the takeover, without end.

    ``count`` is at least 1.
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
