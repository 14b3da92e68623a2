"""Writes echo requests in a client's name, and reads their replies (RFC 792). Pure."""

from __future__ import annotations

import struct

from hadirector.doctor.diagnosis import ipv4_packet
from hadirector.doctor.diagnosis.facts import Echo
from hadirector.doctor.diagnosis.ipv4_packet import Packet
from vrrp.protocol.checksum import ones_complement_sum

TOKEN_LENGTH = 16

_REQUEST, _REPLY = 8, 0
_ICMP = 1
_ECHO = struct.Struct("!BBHHH")  # type, code, checksum, identifier, sequence number


def request(echo: Echo, token: bytes) -> bytes:
    """Write the packet; the token is of even length."""
    checksum = 0xFFFF - ones_complement_sum(_ECHO.pack(_REQUEST, 0, 0, 0, 1) + token)
    message = _ECHO.pack(_REQUEST, 0, checksum, 0, 1) + token
    return ipv4_packet.write(Packet(echo.client, echo.real_server, _ICMP, message))


def reply_of(data: bytes, token: bytes) -> Echo | None:
    """Tell which echo a packet is the reply to; None for any other packet."""
    packet = ipv4_packet.read(data)
    if packet is None or packet.protocol != _ICMP or packet.content[:1] != bytes([_REPLY]):
        return None
    if packet.content[_ECHO.size : _ECHO.size + TOKEN_LENGTH] != token:
        return None
    return Echo(packet.source, packet.destination)
