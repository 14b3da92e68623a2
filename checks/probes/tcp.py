"""The TCP and TLS probe: passes when a connection is established and says what is expected."""

from __future__ import annotations

from checks.definition.check import CheckDefinition
from checks.definition.options import TcpProbe, TlsProbe
from checks.definition.result import Reason
from checks.io.attempt import CONNECTING, Outcome, ProbeFailedError, Progress
from checks.io.connection import AWAITING_REPLY, REPLY_LENGTH_MAX, connected
from checks.io.operations import CONNECT, Conversation, Receive, Send
from checks.probes.expectation import is_found, mismatch

_SENDING = "sending"
_CONNECTED = Outcome("connection established")
_SENT = Outcome("connection established, data sent")
_EXPECTED = Outcome("expected reply")


def converse(definition: CheckDefinition, progress: Progress) -> Conversation:
    """Connect to the target, send and read what is asked for, and close.

    The close is an ordinary one. A reset would spare this host a minute of TIME_WAIT for each
    probe, but servers log resets; a port in TIME_WAIT blocks only its own target's address.
    ``definition.probe`` is a TcpProbe.
    """
    options = definition.probe
    assert isinstance(options, TcpProbe)
    progress.enter(CONNECTING)
    yield CONNECT
    if options.send is not None:
        progress.enter(_SENDING)
        yield Send(options.send)
    if options.expect is None:
        return _CONNECTED if options.send is None else _SENT
    progress.enter(AWAITING_REPLY)
    reply, expected = b"", False
    while not expected:
        part = yield Receive(REPLY_LENGTH_MAX - len(reply))
        reply += part
        expected = _is_expected(options.expect, reply, is_last=not part)
    return _EXPECTED


async def probe_tls(definition: CheckDefinition, progress: Progress) -> Outcome:
    """Do the same under TLS. ``definition.probe`` is a TlsProbe."""
    options = definition.probe
    assert isinstance(options, TlsProbe)
    async with connected(definition, progress) as connection:
        await connection.start_tls(options, options.tls_name)
        if options.send is not None:
            progress.enter(_SENDING)
            await connection.send(options.send)
        if options.expect is None:
            return Outcome("TLS established")
        progress.enter(AWAITING_REPLY)
        reply, expected = b"", False
        while not expected:
            part = await connection.receive(REPLY_LENGTH_MAX - len(reply))
            reply += part
            expected = _is_expected(options.expect, reply, is_last=not part)
    return _EXPECTED


def _is_expected(pattern: str, reply: bytes, *, is_last: bool) -> bool:
    """Search what has come; nothing more comes after the connection's end, or 64 KiB."""
    if is_found(pattern, reply):
        return True
    if is_last or len(reply) == REPLY_LENGTH_MAX:
        raise ProbeFailedError(Reason.REPLY, mismatch(pattern, reply, "reply"))
    return False
