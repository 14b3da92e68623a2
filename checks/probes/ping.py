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
from checks.io.datagram import conversing, first_reply, send

TOKEN_LENGTH = 16

_HEADER = struct.Struct("!BBHHH")  # type, code, checksum, identifier, sequence number
_REQUEST = {socket.AF_INET: 8, socket.AF_INET6: 128}
_REPLY = {socket.AF_INET: 0, socket.AF_INET6: 129}
_PROTOCOL = {socket.AF_INET: socket.IPPROTO_ICMP, socket.AF_INET6: socket.IPPROTO_ICMPV6}


async def probe(definition: CheckDefinition, progress: Progress) -> Outcome:
    """Ask once. The reply is known by a token in it that nobody can guess."""
    family = socket.AF_INET6 if ":" in definition.address else socket.AF_INET
    progress.enter(CONNECTING)
    with _conversing(definition, family) as made:
        token = secrets.token_bytes(TOKEN_LENGTH)
        await send(made, _request(family, token))
        progress.enter(AWAITING_REPLY)
        has_header = made.type == socket.SOCK_RAW and family == socket.AF_INET
        await first_reply(
            made,
            lambda data: _is_reply(_without_header(data) if has_header else data, family, token),
        )
    return Outcome("echo reply")


@contextmanager
def _conversing(
    definition: CheckDefinition, family: socket.AddressFamily
) -> Iterator[socket.socket]:
    """Open a ping socket, which needs no privilege where the sysctl ping_group_range allows it.

    Elsewhere a raw one; raises PermissionError when that is not allowed either.
    """
    with ExitStack() as stack:
        try:
            opened = conversing(definition, socket.SOCK_DGRAM, _PROTOCOL[family])
            made = stack.enter_context(opened)
        except PermissionError:
            opened = conversing(definition, socket.SOCK_RAW, _PROTOCOL[family])
            made = stack.enter_context(opened)
        yield made


def _request(family: socket.AddressFamily, token: bytes) -> bytes:
    """Write an echo request; a ping socket, and ICMPv6 on a raw one, do the sum themselves."""
    message = _HEADER.pack(_REQUEST[family], 0, 0, 0, 1) + token
    return message[:2] + _checksum(message).to_bytes(2, "big") + message[4:]


def _without_header(packet: bytes) -> bytes:
    """Leave out the IPv4 header; a raw socket gets it too, and its length is in its first byte."""
    return packet[(packet[0] & 0xF) * 4 :]


def _is_reply(message: bytes, family: socket.AddressFamily, token: bytes) -> Literal[True] | None:
    """Tell our echo reply from whatever else the target sends."""
    is_echo_reply = message[:1] == bytes([_REPLY[family]]) and message[8:] == token
    return True if is_echo_reply else None


def _checksum(message: bytes) -> int:
    """Sum up as RFC 1071 does; the message's length is even."""
    total: int = sum(struct.unpack(f"!{len(message) // 2}H", message))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF
