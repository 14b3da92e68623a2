"""Shows whether what a real server answers to a client comes back to this host.

An echo request goes to the real server in the client's name. Its reply comes here if the real
server's way to that client leads through this host; otherwise the client gets a reply that it has
not asked for, which it ignores (RFC 792). IPv4 only.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Collection

from hadirector.doctor.diagnosis.echo_packet import TOKEN_LENGTH, reply_of, request
from hadirector.doctor.diagnosis.facts import Echo

ECHOES_MAX = 256
ROUNDS = 3
ROUND_SECONDS = 0.5
"""One second goes by until a neighbour's MAC address is asked for again."""

_PACKET_BYTES = 2048
_ETH_P_IP = 0x0800


async def listen_for(echoes: Collection[Echo]) -> frozenset[Echo]:
    """Ask in the name of each, again where no reply has come; return those whose reply came here.

    Raises OSError: without CAP_NET_RAW, or when no packet of the kind may be sent at all.
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
        left = set(echoes)
        for _ in range(ROUNDS):
            for echo in left:
                # What cannot be sent is not heard of; the way there is judged by itself.
                with contextlib.suppress(OSError):
                    sender.sendto(request(echo, token), (echo.real_server, 0))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ROUND_SECONDS):
                    while left:
                        left.discard(await _heard(receiver, token))
    return frozenset(echoes) - left


async def _heard(receiver: socket.socket, token: bytes) -> Echo | None:
    """Take one packet. What is for another host and was only overheard did not come back to us."""
    loop = asyncio.get_running_loop()
    packet, address = await loop.sock_recvfrom(receiver, _PACKET_BYTES)
    return reply_of(packet, token) if address[2] == socket.PACKET_HOST else None
