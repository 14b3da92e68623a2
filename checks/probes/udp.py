"""The UDP probe: a datagram, and what comes back: a reply, an ICMP error, or nothing."""

from __future__ import annotations

import asyncio
import socket

from checks.definition.check import CheckDefinition
from checks.definition.options import UdpProbe
from checks.definition.result import Reason
from checks.io.attempt import CONNECTING, Outcome, ProbeFailedError, Progress
from checks.io.connection import AWAITING_REPLY
from checks.io.datagram import conversing, receive, send
from checks.probes.expectation import is_found, mismatch


async def probe(definition: CheckDefinition, progress: Progress) -> Outcome:
    """Send once and judge the first datagram that comes back from the target's port.

    ``definition.probe`` is a UdpProbe.
    """
    options = definition.probe
    assert isinstance(options, UdpProbe)
    progress.enter(CONNECTING)
    with conversing(definition, socket.SOCK_DGRAM) as made:
        await send(made, options.send)
        progress.enter(AWAITING_REPLY)
        reply = await _reply(made, None if options.require_reply else definition.timing.timeout / 2)
    if reply is None:
        return Outcome("no reply, and no ICMP error")
    if options.expect is not None and not is_found(options.expect, reply):
        raise ProbeFailedError(Reason.REPLY, mismatch(options.expect, reply, "reply"))
    return Outcome("reply" if options.expect is None else "expected reply")


async def _reply(made: socket.socket, patience: float | None) -> bytes | None:
    """Wait for a datagram, or for ``patience`` seconds, after which None is the answer."""
    waiting = asyncio.timeout(patience)
    try:
        async with waiting:
            return await receive(made)
    except TimeoutError:
        if waiting.expired():
            return None
        raise
