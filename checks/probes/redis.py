"""The Redis probe: PING, which needs no login to be understood (Redis serialization protocol)."""

from __future__ import annotations

from checks.definition.check import CheckDefinition
from checks.definition.result import Reason
from checks.io.attempt import Outcome, ProbeFailedError, Progress
from checks.io.connection import AWAITING_REPLY, connected


async def probe(definition: CheckDefinition, progress: Progress) -> Outcome:
    """Ask once. Who demands a password answers too; who is loading its data set does not."""
    async with connected(definition, progress) as connection:
        progress.enter(AWAITING_REPLY)
        await connection.send(b"PING\r\n")
        reply = (await connection.line()).decode(errors="replace")
    if reply == "+PONG":
        return Outcome("PONG")
    if reply.startswith("-NOAUTH"):
        return Outcome("answers, and demands a password")
    if reply.startswith("-"):
        raise ProbeFailedError(Reason.STATUS, f"PING: {reply[1:]}")
    raise ProbeFailedError(Reason.PROTOCOL, f"not a Redis reply: {reply}")
