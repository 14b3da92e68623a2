"""Exchanges datagrams with one target. Reports ICMP errors and skips datagrams of other senders."""

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
"""The number of datagrams other than the reply that a probe skips before it fails."""

# linux/in.h and linux/in6.h; Python 3.11 has no names for these options.
_IP_RECVERR = 11
_IPV6_RECVERR = 25

Reply = TypeVar("Reply")


@contextmanager
def open_datagram_socket(
    definition: CheckDefinition, socket_type: int, protocol: int = 0
) -> Iterator[socket.socket]:
    """Open a socket to the target on which the kernel reports every ICMP error.

    By default the kernel does not report that a host is unreachable (net/ipv4/udp.c,
    __udp4_lib_err), so the probe would see no answer.
    """
    with open_socket(definition, socket_type, protocol) as opened:
        if opened.family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
        else:
            opened.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
        opened.connect((definition.destination, definition.port))
        yield opened


async def send_datagram(opened: socket.socket, data: bytes) -> None:
    """Send one datagram."""
    await asyncio.get_running_loop().sock_sendall(opened, data)


async def receive_datagram(opened: socket.socket) -> bytes:
    """Receive one datagram."""
    return await asyncio.get_running_loop().sock_recv(opened, REPLY_LENGTH_MAX)


async def receive_reply(opened: socket.socket, read: Callable[[bytes], Reply | None]) -> Reply:
    """Return the first reply. ``read`` parses a datagram and returns None if it is not the reply.

    Raises ProbeFailedError after SKIPPED_MAX datagrams that are not the reply.
    """
    for _ in range(SKIPPED_MAX):
        reply = read(await receive_datagram(opened))
        if reply is not None:
            return reply
        # sock_recv returns at once while datagrams are queued. Let the deadline timer run.
        await asyncio.sleep(0)
    detail = f"received {SKIPPED_MAX} datagrams, but no reply"
    raise ProbeFailedError(Reason.PROTOCOL, detail)
