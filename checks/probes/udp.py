"""The UDP probe: it sends a datagram and waits for a reply or an ICMP error."""

from __future__ import annotations

import asyncio
import socket

from checks.definition.check import CheckDefinition
from checks.definition.options import UdpProbe
from checks.definition.result import Reason
from checks.io.attempt import CONNECTING, Outcome, ProbeFailedError, Progress
from checks.io.connection import AWAITING_REPLY
from checks.io.datagram import open_datagram_socket, receive_datagram, send_datagram
from checks.probes.expectation import describe_mismatch, matches


async def probe(definition: CheckDefinition, progress: Progress) -> Outcome:
    """Send a datagram and evaluate the first datagram from the port of the target.

    ``definition.probe`` must be a UdpProbe.
    """
    options = definition.probe
    assert isinstance(options, UdpProbe)
    progress.enter(CONNECTING)
    with open_datagram_socket(definition, socket.SOCK_DGRAM) as opened:
        await send_datagram(opened, options.send)
        progress.enter(AWAITING_REPLY)
        silence_max = None if options.require_reply else definition.timing.timeout / 2
        reply = await _receive_reply(opened, silence_max)
    if reply is None:
        return Outcome("no reply, and no ICMP error")
    identity = definition.identity
    if options.expect is not None and not matches(options.expect, reply, identity):
        raise ProbeFailedError(Reason.REPLY, describe_mismatch(options.expect, reply, "reply"))
    return Outcome("reply" if options.expect is None else "expected reply")


async def _receive_reply(opened: socket.socket, silence_max: float | None) -> bytes | None:
    """Receive a datagram; None after ``silence_max`` seconds without a datagram."""
    timeout = asyncio.timeout(silence_max)
    try:
        async with timeout:
            return await receive_datagram(opened)
    except TimeoutError:
        if timeout.expired():
            return None
        raise
