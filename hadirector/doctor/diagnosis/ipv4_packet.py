"""Writes and reads the IPv4 packets of raw and packet sockets (RFC 791). Pure."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address
from typing import NamedTuple

_TTL = 64
# Version and length, service, total length, identification, fragment, TTL, protocol, sum, addresses
_HEADER = struct.Struct("!BBHHHBBH4s4s")


class Packet(NamedTuple):
    """A packet without options; ``hop_limit`` 0 is the usual one."""

    source: str
    destination: str
    protocol: int
    content: bytes
    hop_limit: int = 0


def write(packet: Packet) -> bytes:
    """Write it; the kernel fills in the header's checksum (raw(7), IP_HDRINCL)."""
    source, destination = IPv4Address(packet.source), IPv4Address(packet.destination)
    length, hops = _HEADER.size + len(packet.content), packet.hop_limit or _TTL
    header = (0x45, 0, length, 0, 0, hops, packet.protocol, 0, source.packed, destination.packed)
    return _HEADER.pack(*header) + packet.content


def read(data: bytes) -> Packet | None:
    """Read what the kernel let in; None for what is no such packet."""
    if len(data) < _HEADER.size or data[0] >> 4 != 4:
        return None
    *_, hops, protocol, _, source, destination = _HEADER.unpack_from(data)
    content = data[(data[0] & 0xF) * 4 :]
    return Packet(str(IPv4Address(source)), str(IPv4Address(destination)), protocol, content, hops)
