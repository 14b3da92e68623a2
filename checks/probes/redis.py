"""The Redis probe: the command PING, without a login (Redis serialization protocol)."""

from __future__ import annotations

from checks.definition.check import CheckDefinition
from checks.definition.result import Reason
from checks.io.attempt import Outcome, ProbeFailedError, Progress
from checks.io.connection import AWAITING_REPLY, open_connection


async def probe(definition: CheckDefinition, progress: Progress) -> Outcome:
    """Send PING. PONG and a request for a password pass; a server that loads its data set fails."""
    async with open_connection(definition, progress) as connection:
        progress.enter(AWAITING_REPLY)
        await connection.send(b"PING\r\n")
        reply = (await connection.line()).decode(errors="replace")
    if reply == "+PONG":
        return Outcome("PONG")
    if reply.startswith("-NOAUTH"):
        return Outcome("the server answers, but requires a password")
    if reply.startswith("-"):
        raise ProbeFailedError(Reason.STATUS, f"PING: {reply[1:]}")
    raise ProbeFailedError(Reason.PROTOCOL, f"not a Redis reply: {reply}")
