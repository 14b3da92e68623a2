"""The ping probe: one ICMP echo request (RFC 792, RFC 4443)."""

from __future__ import annotations

import secrets
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Literal

from checks.definition.check import CheckDefinition
from checks.io.attempt import CONNECTING, Outcome, Progress
from checks.io.connection import AWAITING_REPLY
from checks.io.datagram import open_datagram_socket, receive_reply, send_datagram

TOKEN_LENGTH = 16

_HEADER = struct.Struct("!BBHHH")  # type, code, checksum, identifier, sequence number
_REQUEST = {socket.AF_INET: 8, socket.AF_INET6: 128}
_REPLY = {socket.AF_INET: 0, socket.AF_INET6: 129}
_PROTOCOL = {socket.AF_INET: socket.IPPROTO_ICMP, socket.AF_INET6: socket.IPPROTO_ICMPV6}


async def probe(definition: CheckDefinition, progress: Progress) -> Outcome:
    """Send one echo request with a random token, and wait for the reply with the same token."""
    family = socket.AF_INET6 if ":" in definition.address else socket.AF_INET
    progress.enter(CONNECTING)
    with _open_icmp_socket(definition, family) as opened:
        token = secrets.token_bytes(TOKEN_LENGTH)
        await send_datagram(opened, _request(family, token))
        progress.enter(AWAITING_REPLY)
        has_header = opened.type == socket.SOCK_RAW and family == socket.AF_INET
        await receive_reply(
            opened,
            lambda data: _match_reply(_skip_header(data) if has_header else data, family, token),
        )
    return Outcome("echo reply")


@contextmanager
def _open_icmp_socket(
    definition: CheckDefinition, family: socket.AddressFamily
) -> Iterator[socket.socket]:
    """Open a ping socket, or a raw socket if the sysctl ping_group_range forbids ping sockets.

    A ping socket needs no privilege. Raises PermissionError if a raw socket is forbidden too.
    """
    with ExitStack() as stack:
        try:
            context = open_datagram_socket(definition, socket.SOCK_DGRAM, _PROTOCOL[family])
            opened = stack.enter_context(context)
        except PermissionError:
            context = open_datagram_socket(definition, socket.SOCK_RAW, _PROTOCOL[family])
            opened = stack.enter_context(context)
        yield opened


def _request(family: socket.AddressFamily, token: bytes) -> bytes:
    """Return an echo request. The kernel replaces the checksum except for ICMP on a raw socket."""
    message = _HEADER.pack(_REQUEST[family], 0, 0, 0, 1) + token
    return message[:2] + _checksum(message).to_bytes(2, "big") + message[4:]


def _skip_header(packet: bytes) -> bytes:
    """Return a packet of a raw socket without the IPv4 header, whose first byte has its length."""
    return packet[(packet[0] & 0xF) * 4 :]


def _match_reply(
    message: bytes, family: socket.AddressFamily, token: bytes
) -> Literal[True] | None:
    """Return True for the echo reply with the token, and None for any other message."""
    is_echo_reply = message[:1] == bytes([_REPLY[family]]) and message[8:] == token
    return True if is_echo_reply else None


def _checksum(message: bytes) -> int:
    """Return the checksum of RFC 1071. The length of the message must be even."""
    total: int = sum(struct.unpack(f"!{len(message) // 2}H", message))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF
