"""Writes the segments that knock at a TCP port, and reads the answer (RFC 9293). Pure."""

from __future__ import annotations

import struct
from enum import IntFlag
from ipaddress import IPv4Address
from typing import NamedTuple

from hadirector.doctor.diagnosis import ipv4_packet
from hadirector.doctor.diagnosis.ipv4_packet import Packet
from vrrp.protocol.checksum import ones_complement_sum, pseudo_header

_TCP = 6
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
    """Write the packet with a SYN, or the RST after its answer."""
    number = (knock.number + (flag is Flag.RST)) % 2**32
    parts = (knock.source_port, knock.port, number, 0, 5 << 4, flag, _WINDOW)
    source, destination = IPv4Address(knock.source), IPv4Address(knock.destination)
    beneath = pseudo_header(source, destination, _TCP, _SEGMENT.size)
    checksum = 0xFFFF - ones_complement_sum(beneath + _SEGMENT.pack(*parts, 0, 0))
    content = _SEGMENT.pack(*parts, checksum, 0)
    packet = Packet(knock.source, knock.destination, _TCP, content, knock.hop_limit)
    return ipv4_packet.write(packet)


def answer_to(data: bytes, knock: Knock) -> Flag | None:
    """Tell whether a packet answers: SYN that the port is open, RST that it is not."""
    packet = ipv4_packet.read(data)
    if packet is None or packet.protocol != _TCP or len(packet.content) < _SEGMENT.size:
        return None
    port, own_port, _, acknowledged, _, flags, *_ = _SEGMENT.unpack_from(packet.content)
    ends = (packet.source, port, packet.destination, own_port)
    if ends != (knock.destination, knock.port, knock.source, knock.source_port):
        return None
    if not flags & Flag.ACK or acknowledged != (knock.number + 1) % 2**32:
        return None
    return Flag.RST if flags & Flag.RST else Flag.SYN
