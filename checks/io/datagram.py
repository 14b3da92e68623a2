"""Datagrams to and from one target: what is no reply is skipped, and ICMP errors are heard."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from checks.definition.check import CheckDefinition
from checks.definition.result import Reason
from checks.io.attempt import ProbeFailedError
from checks.io.connection import REPLY_LENGTH_MAX, open_socket

SKIPPED_MAX = 64
"""Datagrams that are no reply to the probe; a target that sends more is not worth the time."""

# linux/in.h and linux/in6.h; Python 3.11 does not name them.
_IP_RECVERR = 11
_IPV6_RECVERR = 25

Reply = TypeVar("Reply")


@contextmanager
def conversing(
    definition: CheckDefinition, kind: int, protocol: int = 0
) -> Iterator[socket.socket]:
    """Open a socket to the target, on which every ICMP error is reported, not only the fatal ones.

    Without that a host that is unreachable is silence (net/ipv4/udp.c, __udp4_lib_err).
    """
    with open_socket(definition, kind, protocol) as made:
        if made.family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
        else:
            made.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
        made.connect((definition.destination, definition.port))
        yield made


async def send(made: socket.socket, data: bytes) -> None:
    """Send one datagram."""
    await asyncio.get_running_loop().sock_sendall(made, data)


async def receive(made: socket.socket) -> bytes:
    """Wait for one datagram."""
    return await asyncio.get_running_loop().sock_recv(made, REPLY_LENGTH_MAX)


async def first_reply(made: socket.socket, read: Callable[[bytes], Reply | None]) -> Reply:
    """Wait for the first datagram that ``read`` makes a reply of.

    Raises ProbeFailedError after too many others.
    """
    for _ in range(SKIPPED_MAX):
        reply = read(await receive(made))
        if reply is not None:
            return reply
        # sock_recv returns at once while there is something: let the deadline have its turn.
        await asyncio.sleep(0)
    detail = f"{SKIPPED_MAX} datagrams, and none of them is a reply"
    raise ProbeFailedError(Reason.PROTOCOL, detail)
