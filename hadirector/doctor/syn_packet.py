"""Writes the segments that knock at a TCP port, and reads the answer (RFC 791, RFC 9293). Pure."""

from __future__ import annotations

import struct
from enum import IntFlag
from ipaddress import IPv4Address
from typing import NamedTuple

_TCP = 6
_TTL = 64
_HEADER_LENGTH = 20
# Version and length, service, total length, identification, fragment, TTL, protocol, sum, addresses
_IP = struct.Struct("!BBHHHBBH4s4s")
# Ports, sequence number, acknowledged, words of the header << 4, flags, window, sum, urgent
_SEGMENT = struct.Struct("!HHIIBBHHH")
_WINDOW = 1024


class Flag(IntFlag):
    """Control bits (RFC 9293 3.1)."""

    SYN = 0x02
    RST = 0x04
    ACK = 0x10


class Knock(NamedTuple):
    """Whom to knock at and from where. ``hop_limit`` 0 is the usual; ``number`` begins ours."""

    source: str
    source_port: int
    destination: str
    port: int
    number: int
    hop_limit: int = 0


def segment(knock: Knock, flag: Flag) -> bytes:
    """Write the packet with a SYN, or the RST after its answer; the kernel sums up the header."""
    number = (knock.number + (flag is Flag.RST)) % 2**32
    parts = (knock.source_port, knock.port, number, 0, 5 << 4, flag, _WINDOW)
    source, destination = IPv4Address(knock.source).packed, IPv4Address(knock.destination).packed
    beneath = source + destination + struct.pack("!BBH", 0, _TCP, _SEGMENT.size)
    content = _SEGMENT.pack(*parts, _checksum(beneath + _SEGMENT.pack(*parts, 0, 0)), 0)
    length, hops = _HEADER_LENGTH + len(content), knock.hop_limit or _TTL
    return _IP.pack(0x45, 0, length, 0, 0, hops, _TCP, 0, source, destination) + content


def answer_to(packet: bytes, knock: Knock) -> Flag | None:
    """Tell whether a packet answers: SYN that the port is open, RST that it is not."""
    if len(packet) < _HEADER_LENGTH or packet[0] >> 4 != 4 or packet[9] != _TCP:
        return None
    content = packet[(packet[0] & 0xF) * 4 :][: _SEGMENT.size]
    if len(content) < _SEGMENT.size:
        return None
    port, own_port, _, acknowledged, _, flags, *_ = _SEGMENT.unpack(content)
    ends = (str(IPv4Address(packet[12:16])), port, str(IPv4Address(packet[16:20])), own_port)
    if ends != (knock.destination, knock.port, knock.source, knock.source_port):
        return None
    if not flags & Flag.ACK or acknowledged != (knock.number + 1) % 2**32:
        return None
    return Flag.RST if flags & Flag.RST else Flag.SYN


def _checksum(data: bytes) -> int:
    """Sum up as RFC 1071 does; the length is even."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF
