"""The PostgreSQL probe: the first messages of a login (frontend/backend protocol 3.0)."""

from __future__ import annotations

import struct

from checks.definition.check import CheckDefinition
from checks.definition.options import PostgresProbe
from checks.definition.result import Reason
from checks.io.attempt import Outcome, ProbeFailedError, Progress
from checks.io.connection import AWAITING_REPLY, REPLY_LENGTH_MAX, open_connection

_PROTOCOL_VERSION = 3 << 16
_TERMINATE = b"X" + struct.pack("!I", 4)
_UNAVAILABLE = ("53", "57")
"""The SQLSTATE classes of a server that accepts no logins: insufficient resources, and operator
intervention, which includes startup, shutdown and recovery. Any other error concerns only the login
of this probe."""


async def probe(definition: CheckDefinition, progress: Progress) -> Outcome:
    """Send the startup message and evaluate the answer.

    ``definition.probe`` must be a PostgresProbe.
    """
    options = definition.probe
    assert isinstance(options, PostgresProbe)
    async with open_connection(definition, progress) as connection:
        progress.enter(AWAITING_REPLY)
        await connection.send(_startup(options))
        kind, length = struct.unpack("!cI", await connection.exactly(5))
        if kind not in (b"R", b"E") or not 4 < length <= REPLY_LENGTH_MAX:
            raise ProbeFailedError(Reason.PROTOCOL, "not a PostgreSQL reply")
        body = await connection.exactly(length - 4)
        await connection.send(_TERMINATE)
    if kind == b"R":
        return Outcome("accepts logins")
    state, message = _error(body)
    if state.startswith(_UNAVAILABLE):
        raise ProbeFailedError(Reason.STATUS, f"{state} {message}")
    return Outcome(f"rejects this login with error {state} {message}")


def _startup(options: PostgresProbe) -> bytes:
    names = ("user", options.user, "database", options.database, "")
    body = struct.pack("!I", _PROTOCOL_VERSION) + b"".join(name.encode() + b"\0" for name in names)
    return struct.pack("!I", len(body) + 4) + body


def _error(body: bytes) -> tuple[str, str]:
    """Return the SQLSTATE and the message of an ErrorResponse. Each field ends with a zero byte."""
    fields = {field[:1]: field[1:].decode(errors="replace") for field in body.split(b"\0")}
    if b"C" not in fields:
        raise ProbeFailedError(Reason.PROTOCOL, "not a PostgreSQL reply: an error without a code")
    return fields[b"C"], fields.get(b"M", "")
