"""Writes echo requests in a client's name, and reads their replies (RFC 791, RFC 792). Pure."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address

from hadirector.doctor.facts import Echo

TOKEN_LENGTH = 16

_REQUEST, _REPLY = 8, 0
_ICMP = 1
_TTL = 64
_HEADER_LENGTH = 20
# Version and length, service, total length, identification, fragment, TTL, protocol, sum, addresses
_IP = struct.Struct("!BBHHHBBH4s4s")
_ECHO = struct.Struct("!BBHHH")  # type, code, checksum, identifier, sequence number


def request(echo: Echo, token: bytes) -> bytes:
    """Write the packet; the kernel fills in the header's checksum (raw(7), IP_HDRINCL)."""
    message = _ECHO.pack(_REQUEST, 0, 0, 0, 1) + token
    message = message[:2] + _checksum(message).to_bytes(2, "big") + message[4:]
    source, destination = IPv4Address(echo.client).packed, IPv4Address(echo.real_server).packed
    length = _HEADER_LENGTH + len(message)
    return _IP.pack(0x45, 0, length, 0, 0, _TTL, _ICMP, 0, source, destination) + message


def reply_of(packet: bytes, token: bytes) -> Echo | None:
    """Tell which echo a packet is the reply to; None for any other packet."""
    if len(packet) < _HEADER_LENGTH or packet[0] >> 4 != 4 or packet[9] != _ICMP:
        return None
    message = packet[(packet[0] & 0xF) * 4 :]
    if message[:1] != bytes([_REPLY]) or message[_ECHO.size : _ECHO.size + TOKEN_LENGTH] != token:
        return None
    return Echo(str(IPv4Address(packet[12:16])), str(IPv4Address(packet[16:20])))


def _checksum(message: bytes) -> int:
    """Sum up as RFC 1071 does; the message's length is even."""
    total: int = sum(struct.unpack(f"!{len(message) // 2}H", message))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF
