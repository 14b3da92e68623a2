"""Asks a real server by the virtual address where this host would drop its answer.

A SYN goes out with the mark that leads it through IPVS; the answer is read before the kernel
judges where it comes from. IPv4 only.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from time import monotonic

from checks.definition.check import CheckDefinition
from checks.definition.result import Reason, Result
from hadirector.doctor.diagnosis.syn_packet import Flag, Knock, answer_to, segment

ROUNDS = 2
ROUND_SECONDS = 1.5
"""A neighbour's MAC address that is not known is asked for again after one second."""

_PACKET_BYTES = 2048
_ETH_P_IP = 0x0800


async def knock_at(check: CheckDefinition, source: str) -> Result:
    """Knock at what a check asks, and take the offer back at once. Never raises OSError."""
    started = monotonic()
    try:
        reason, detail = await _knock(check, source)
    except OSError as error:
        reason, detail = Reason.LOCAL_ERROR, f"cannot be asked from here: {error.strerror}"
    return Result(reason, detail, monotonic() - started)


async def _knock(check: CheckDefinition, source: str) -> tuple[Reason, str]:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as sender,
        socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_IP)) as receiver,
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as reserved,
    ):
        reserved.bind((source, 0))  # so that no connection of this host has that port
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, check.route.mark)
        receiver.setblocking(False)
        knock = Knock(
            source,
            reserved.getsockname()[1],
            check.destination,
            check.port,
            secrets.randbits(32),
            check.route.hop_limit,
        )
        for _ in range(ROUNDS):
            sender.sendto(segment(knock, Flag.SYN), (check.destination, 0))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ROUND_SECONDS):
                    answer = await _answer(receiver, knock)
                if answer is Flag.RST:
                    return Reason.REFUSED, "connecting: Connection refused"
                sender.sendto(segment(knock, Flag.RST), (check.destination, 0))
                return Reason.PASSED, "connection offered"
    return Reason.TIMEOUT, f"no answer within {ROUNDS * ROUND_SECONDS:g} s"


async def _answer(receiver: socket.socket, knock: Knock) -> Flag:
    loop = asyncio.get_running_loop()
    while True:
        packet, address = await loop.sock_recvfrom(receiver, _PACKET_BYTES)
        if address[2] == socket.PACKET_HOST and (answer := answer_to(packet, knock)) is not None:
            return answer
