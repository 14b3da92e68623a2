"""Encodes ICMP echo requests with a chosen source address, and decodes replies. IPv4 only. Pure.

RFC 791 (IPv4) and RFC 792 (ICMP echo) define the formats.
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Address

from hadirector.doctor.diagnosis.facts import Echo
from vrrp.protocol.checksum import ones_complement_sum

TOKEN_LENGTH = 16

_TTL = 64
_REQUEST, _REPLY = 8, 0
_ICMP = 1
# Version and length, service, total length, identification, fragment, TTL, protocol, checksum,
# source, destination
_IPV4_HEADER = struct.Struct("!BBHHHBBH4s4s")
_ECHO_HEADER = struct.Struct("!BBHHH")  # type, code, checksum, identifier, sequence number


def encode_request(echo: Echo, token: bytes) -> bytes:
    """Return the packet without the IPv4 checksum, which the kernel adds (raw(7), IP_HDRINCL).

    The length of ``token`` is even.
    """
    checksum = 0xFFFF - ones_complement_sum(_ECHO_HEADER.pack(_REQUEST, 0, 0, 0, 1) + token)
    message = _ECHO_HEADER.pack(_REQUEST, 0, checksum, 0, 1) + token
    length = _IPV4_HEADER.size + len(message)
    source, destination = IPv4Address(echo.client).packed, IPv4Address(echo.real_server).packed
    header = _IPV4_HEADER.pack(0x45, 0, length, 0, 0, _TTL, _ICMP, 0, source, destination)
    return header + message


def decode_reply(packet: bytes, token: bytes) -> Echo | None:
    """Return the echo request to which an IPv4 packet is the reply; None for any other packet."""
    if len(packet) < _IPV4_HEADER.size or packet[0] >> 4 != 4:
        return None
    *_, protocol, _, source, destination = _IPV4_HEADER.unpack_from(packet)
    message = packet[(packet[0] & 0xF) * 4 :]
    if protocol != _ICMP or message[:1] != bytes([_REPLY]):
        return None
    if message[_ECHO_HEADER.size : _ECHO_HEADER.size + TOKEN_LENGTH] != token:
        return None
    return Echo(str(IPv4Address(source)), str(IPv4Address(destination)))
