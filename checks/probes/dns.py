"""The DNS probe: one query over UDP or TCP. The rcode and the answers decide."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from checks.definition.check import CheckDefinition
from checks.definition.options import DnsProbe
from checks.definition.result import Reason
from checks.io.attempt import CONNECTING, Outcome, ProbeFailedError, Progress
from checks.io.connection import AWAITING_REPLY, open_connection
from checks.io.datagram import open_datagram_socket, receive_reply, send_datagram

if TYPE_CHECKING:
    from dns.message import Message

RECORDS_MAX = 100
"""The largest number of records in a reply. The slowest kind of record takes 5 ms to parse."""

_COUNTS_AT = range(4, 12, 2)  # RFC 1035, section 4.1.1


async def probe(definition: CheckDefinition, progress: Progress) -> Outcome:
    """Send one query. ``definition.probe`` must be a DnsProbe."""
    # Imported only when needed, because the import takes 30 ms.
    import dns.message
    import dns.rcode

    options = definition.probe
    assert isinstance(options, DnsProbe)
    query = dns.message.make_query(options.name, options.record)
    exchange = _exchange_over_tcp if options.protocol == "tcp" else _exchange_over_udp
    reply = await exchange(definition, query, progress)
    rcode = dns.rcode.to_text(reply.rcode())
    if rcode != options.expect_rcode:
        raise ProbeFailedError(Reason.STATUS, f"rcode {rcode}, expected {options.expect_rcode}")
    answers = [record.to_text() for records in reply.answer for record in records]
    lower_answers = {answer.lower() for answer in answers}
    for expected in options.expect_answers:
        if expected.lower() not in lower_answers:
            found = ", ".join(answers) or "nothing"
            raise ProbeFailedError(Reason.REPLY, f"the answers do not contain {expected}: {found}")
    return Outcome("expected answers" if options.expect_answers else "expected rcode")


async def _exchange_over_udp(
    definition: CheckDefinition, query: Message, progress: Progress
) -> Message:
    progress.enter(CONNECTING)
    with open_datagram_socket(definition, socket.SOCK_DGRAM) as opened:
        await send_datagram(opened, query.to_wire())
        progress.enter(AWAITING_REPLY)
        return await receive_reply(opened, lambda data: _read_reply(data, query))


async def _exchange_over_tcp(
    definition: CheckDefinition, query: Message, progress: Progress
) -> Message:
    async with open_connection(definition, progress) as connection:
        wire = query.to_wire()
        progress.enter(AWAITING_REPLY)
        await connection.send(len(wire).to_bytes(2, "big") + wire)  # RFC 1035, section 4.2.2
        length = int.from_bytes(await connection.exactly(2), "big")
        reply = _read_reply(await connection.exactly(length), query)
    if reply is None:
        raise ProbeFailedError(Reason.PROTOCOL, "not a DNS reply: the reply repeats another query")
    return reply


def _read_reply(data: bytes, query: Message) -> Message | None:
    """Parse a message; None if it answers another query."""
    import dns.exception
    import dns.message

    if data[:2] != query.id.to_bytes(2, "big"):
        return None
    records = sum(int.from_bytes(data[at : at + 2], "big") for at in _COUNTS_AT)
    if records > RECORDS_MAX:
        raise ProbeFailedError(
            Reason.PROTOCOL, f"not a DNS reply: the message has {records} records"
        )
    try:
        reply = dns.message.from_wire(data)
    # dnspython raises ValueError for the record data of some types.
    except (dns.exception.DNSException, ValueError) as error:
        fault = str(error) or type(error).__name__
        raise ProbeFailedError(Reason.PROTOCOL, f"not a DNS reply: {fault}") from error
    return reply if query.is_response(reply) else None
