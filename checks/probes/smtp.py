"""The SMTP probe: greeting, EHLO, and optionally TLS (RFC 5321, RFC 3207)."""

from __future__ import annotations

import re

from checks.definition.check import CheckDefinition
from checks.definition.options import SmtpProbe
from checks.definition.result import Reason
from checks.io.attempt import Outcome, ProbeFailedError, Progress
from checks.io.connection import REPLY_LENGTH_MAX, Connection, open_connection

REPLY_LINES_MAX = 100
"""The largest number of lines of a reply, 64 KiB in total. More is a protocol error."""
_TOO_LONG = f"not an SMTP reply: more than {REPLY_LINES_MAX} lines or {REPLY_LENGTH_MAX} bytes"

_LINE = re.compile(rb"([2-5][0-5][0-9])(?:([ -])(.*))?")  # RFC 5321, section 4.2


async def probe(definition: CheckDefinition, progress: Progress) -> Outcome:
    """Send EHLO, optionally start TLS, and send QUIT. ``definition.probe`` must be an SmtpProbe."""
    options = definition.probe
    assert isinstance(options, SmtpProbe)
    async with open_connection(definition, progress) as connection:
        progress.enter("waiting for the greeting")
        await _expect_reply(connection, "greeting", 220)
        hello = f"EHLO {options.ehlo_name or _address_literal(connection)}"
        extensions = await _command(connection, progress, hello, 250)
        if options.starttls:
            if "STARTTLS" not in (extension.upper() for extension in extensions):
                raise ProbeFailedError(Reason.REPLY, "STARTTLS is not offered")
            await _command(connection, progress, "STARTTLS", 220)
            await connection.start_tls(options, options.tls_name)
            await _command(connection, progress, hello, 250)
        await connection.send(b"QUIT\r\n")
    return Outcome("EHLO accepted over TLS" if options.starttls else "EHLO accepted")


async def _command(
    connection: Connection, progress: Progress, command: str, expected: int
) -> list[str]:
    verb = command.partition(" ")[0]
    progress.enter(f"waiting for the reply to {verb}")
    await connection.send(f"{command}\r\n".encode())
    return await _expect_reply(connection, verb, expected)


async def _expect_reply(connection: Connection, step: str, expected: int) -> list[str]:
    """Read a reply and return its lines. Raises ProbeFailedError for another code."""
    lines = []
    for _ in range(REPLY_LINES_MAX):
        line = await connection.line()
        match = _LINE.fullmatch(line)
        if match is None:
            detail = f"not an SMTP reply: {line.decode(errors='replace')}"
            raise ProbeFailedError(Reason.PROTOCOL, detail)
        lines.append((match[3] or b"").decode(errors="replace"))
        if sum(map(len, lines)) > REPLY_LENGTH_MAX:
            raise ProbeFailedError(Reason.PROTOCOL, _TOO_LONG)
        if match[2] != b"-":
            break
    else:
        raise ProbeFailedError(Reason.PROTOCOL, _TOO_LONG)
    if int(match[1]) != expected:
        detail = f"{step}: {match[1].decode()} {lines[-1]}, expected {expected}"
        raise ProbeFailedError(Reason.STATUS, detail)
    return lines


def _address_literal(connection: Connection) -> str:
    """Return the address literal for a client without a name (RFC 5321, section 4.1.3)."""
    address = connection.local_address()
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"
