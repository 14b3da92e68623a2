"""The agent probe: an agent program on the target reports the state and weight of the server."""

from __future__ import annotations

from checks.definition.check import CheckDefinition
from checks.definition.options import AgentProbe
from checks.definition.result import Reason
from checks.io.attempt import Outcome, ProbeFailedError, Progress
from checks.io.connection import AWAITING_REPLY, Connection, open_connection
from checks.probes.statement import read_statement

STATEMENT_LENGTH_MAX = 1024
"""The largest number of bytes that are read. A longer text is not a statement."""


async def probe(definition: CheckDefinition, progress: Progress) -> Outcome:
    """Connect, send the data, and evaluate the first line of the reply.

    ``definition.probe`` must be an AgentProbe.
    """
    options = definition.probe
    assert isinstance(options, AgentProbe)
    async with open_connection(definition, progress) as connection:
        if options.send is not None:
            await connection.send(options.send)
        progress.enter(AWAITING_REPLY)
        line = await _read_line(connection)
        return evaluate_statement("the agent", line.decode(errors="replace"))


def evaluate_statement(source: str, text: str) -> Outcome:
    """Convert an agent's statement to an outcome. Raises ProbeFailedError if the server is down.

    ``source`` names the agent, script or file in the detail.
    """
    statement = read_statement(text)
    if statement is None:
        raise ProbeFailedError(
            Reason.PROTOCOL, f"not an agent's statement: {text.strip() or 'nothing'}"
        )
    detail = f"{source} reports {text.strip().splitlines()[0]}"
    if not statement.usable:
        raise ProbeFailedError(Reason.DOWN, detail)
    return Outcome(detail, statement.weight)


async def _read_line(connection: Connection) -> bytes:
    """Read until the end of a line, the end of the connection, or the limit."""
    line = b""
    while len(line) < STATEMENT_LENGTH_MAX:
        part = await connection.receive(STATEMENT_LENGTH_MAX - len(line))
        line += part
        if not part or b"\n" in part or b"\r" in part:
            break
    return line
