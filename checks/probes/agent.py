"""The agent probe: asks the agent of a server how much of it can be used."""

from __future__ import annotations

from checks.definition.check import CheckDefinition
from checks.definition.options import AgentProbe
from checks.definition.result import Reason
from checks.io.attempt import Outcome, ProbeFailedError, Progress
from checks.io.connection import AWAITING_REPLY, Connection, connected
from checks.probes.statement import read_statement

STATEMENT_LENGTH_MAX = 1024
"""Bytes of a statement that are read; more is no statement."""


async def probe(definition: CheckDefinition, progress: Progress) -> Outcome:
    """Connect, send what is asked for, and do as the first line says.

    ``definition.probe`` is an AgentProbe.
    """
    options = definition.probe
    assert isinstance(options, AgentProbe)
    async with connected(definition, progress) as connection:
        if options.send is not None:
            await connection.send(options.send)
        progress.enter(AWAITING_REPLY)
        return obey("the agent says", (await _line(connection)).decode(errors="replace"))


def obey(speaker: str, text: str) -> Outcome:
    """Do as a statement says. Raises ProbeFailedError when it says that the server is down."""
    statement = read_statement(text)
    if statement is None:
        raise ProbeFailedError(
            Reason.PROTOCOL, f"not an agent's statement: {text.strip() or 'nothing'}"
        )
    said = f"{speaker} {text.strip().splitlines()[0]}"
    if not statement.usable:
        raise ProbeFailedError(Reason.DOWN, said)
    return Outcome(said, statement.weight)


async def _line(connection: Connection) -> bytes:
    """Read until a line ends, or the connection does, or it has become too long for a line."""
    line = b""
    while len(line) < STATEMENT_LENGTH_MAX:
        part = await connection.receive(STATEMENT_LENGTH_MAX - len(line))
        line += part
        if not part or b"\n" in part or b"\r" in part:
            break
    return line
