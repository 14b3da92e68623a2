"""The DNS probe: one query over UDP or TCP, judged by rcode and answers."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from checks.definition.check import CheckDefinition
from checks.definition.options import DnsProbe
from checks.definition.result import Reason
from checks.io.attempt import CONNECTING, Outcome, ProbeFailedError, Progress
from checks.io.connection import AWAITING_REPLY, connected
from checks.io.datagram import conversing, first_reply, send

if TYPE_CHECKING:
    from dns.message import Message

RECORDS_MAX = 100
"""Records of a reply that are read. One of the worst kind takes 5 ms, and thousands find room."""

_COUNTS_AT = range(4, 12, 2)  # RFC 1035, section 4.1.1


async def probe(definition: CheckDefinition, progress: Progress) -> Outcome:
    """Ask once. ``definition.probe`` is a DnsProbe."""
    # Loaded where it is needed: it takes 30 ms.
    import dns.message
    import dns.rcode

    options = definition.probe
    assert isinstance(options, DnsProbe)
    query = dns.message.make_query(options.name, options.record)
    ask = _ask_over_tcp if options.protocol == "tcp" else _ask_over_udp
    reply = await ask(definition, query, progress)
    rcode = dns.rcode.to_text(reply.rcode())
    if rcode != options.expect_rcode:
        raise ProbeFailedError(Reason.STATUS, f"rcode {rcode}, expected {options.expect_rcode}")
    answers = [each.to_text() for records in reply.answer for each in records]
    there = {each.lower() for each in answers}
    for expected in options.expect_answers:
        if expected.lower() not in there:
            found = ", ".join(answers) or "nothing"
            raise ProbeFailedError(Reason.REPLY, f"{expected} is not among the answers: {found}")
    return Outcome("expected answers" if options.expect_answers else "expected rcode")


async def _ask_over_udp(definition: CheckDefinition, query: Message, progress: Progress) -> Message:
    progress.enter(CONNECTING)
    with conversing(definition, socket.SOCK_DGRAM) as made:
        await send(made, query.to_wire())
        progress.enter(AWAITING_REPLY)
        return await first_reply(made, lambda data: _read(data, query))


async def _ask_over_tcp(definition: CheckDefinition, query: Message, progress: Progress) -> Message:
    async with connected(definition, progress) as connection:
        wire = query.to_wire()
        progress.enter(AWAITING_REPLY)
        await connection.send(len(wire).to_bytes(2, "big") + wire)  # RFC 1035, section 4.2.2
        length = int.from_bytes(await connection.exactly(2), "big")
        reply = _read(await connection.exactly(length), query)
    if reply is None:
        raise ProbeFailedError(Reason.PROTOCOL, "not a DNS reply: it answers another query")
    return reply


def _read(data: bytes, query: Message) -> Message | None:
    """Read a message; None for one that answers another query."""
    import dns.exception
    import dns.message

    if data[:2] != query.id.to_bytes(2, "big"):
        return None
    records = sum(int.from_bytes(data[at : at + 2], "big") for at in _COUNTS_AT)
    if records > RECORDS_MAX:
        raise ProbeFailedError(Reason.PROTOCOL, f"not a DNS reply: {records} records in it")
    try:
        reply = dns.message.from_wire(data)
    # ValueError: what rdata of some types is made of.
    except (dns.exception.DNSException, ValueError) as error:
        words = str(error) or type(error).__name__
        raise ProbeFailedError(Reason.PROTOCOL, f"not a DNS reply: {words}") from error
    return reply if query.is_response(reply) else None
