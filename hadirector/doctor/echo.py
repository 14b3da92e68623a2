"""Proves whether replies of a real server to a client return through this host.

This host sends an echo request with the client's source address to the real server. The reply comes
to this host if the real server routes packets to that client through this host. Otherwise the
client receives an unrequested reply, which it ignores (RFC 792). IPv4 only.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Collection

from hadirector.doctor.diagnosis.echo_packet import TOKEN_LENGTH, decode_reply, encode_request
from hadirector.doctor.diagnosis.facts import Echo

ECHOES_MAX = 256
ROUNDS = 3
ROUND_SECONDS = 0.5
"""The kernel repeats an unanswered ARP request after one second, within the three rounds."""

_PACKET_BYTES = 2048
_ETH_P_IP = 0x0800


async def send_echoes(echoes: Collection[Echo]) -> frozenset[Echo]:
    """Send echo requests, up to three times each, and return the requests that got a reply.

    Raises OSError if this process may not open such sockets (CAP_NET_RAW).
    """
    if not echoes:
        return frozenset()
    token = secrets.token_bytes(TOKEN_LENGTH)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as sender,
        socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_IP)) as receiver,
    ):
        sender.setblocking(False)
        receiver.setblocking(False)
        unanswered = set(echoes)
        for _ in range(ROUNDS):
            for echo in unanswered:
                # A request that cannot be sent has no reply; findings about the route report why.
                with contextlib.suppress(OSError):
                    sender.sendto(encode_request(echo, token), (echo.real_server, 0))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ROUND_SECONDS):
                    while unanswered:
                        unanswered.discard(await _receive_reply(receiver, token))
    return frozenset(echoes) - unanswered


async def _receive_reply(receiver: socket.socket, token: bytes) -> Echo | None:
    """Receive one packet. A packet for another host, seen in promiscuous mode, is no reply."""
    loop = asyncio.get_running_loop()
    packet, address = await loop.sock_recvfrom(receiver, _PACKET_BYTES)
    return decode_reply(packet, token) if address[2] == socket.PACKET_HOST else None
