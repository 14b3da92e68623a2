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
    if options.expect_bytes is not None and not _begins_with(options.expect_bytes, reply):
        begin = _beginning(options.expect_bytes, reply)
        detail = f"reply of {len(reply)} bytes begins with {begin}, expected {options.expect_bytes}"
        raise ProbeFailedError(Reason.REPLY, detail)
    is_any = options.expect is None and options.expect_bytes is None
    return Outcome("reply" if is_any else "expected reply")


def _begins_with(pattern: str, reply: bytes) -> bool:
    """Return whether a reply begins with the bytes of a `BytePattern`."""
    wanted = pattern.removeprefix("hex:").lower()
    found = _beginning(pattern, reply)
    return len(found) == len(wanted) and all(
        digit in ("x", given) for digit, given in zip(wanted, found, strict=True)
    )


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


def _beginning(pattern: str, reply: bytes) -> str:
    """Return the hexadecimal digits of as many bytes as the pattern has, or of the whole reply."""
    return reply[: len(pattern.removeprefix("hex:")) // 2].hex()
