"""The TCP and TLS probes: they establish a connection and may compare the reply."""

from __future__ import annotations

from checks.definition.check import CheckDefinition
from checks.definition.options import TcpProbe, TlsProbe
from checks.definition.result import Reason
from checks.io.attempt import CONNECTING, Outcome, ProbeFailedError, Progress
from checks.io.connection import AWAITING_REPLY, REPLY_LENGTH_MAX, open_connection
from checks.io.operations import CONNECT, Conversation, Receive, Send
from checks.probes.expectation import describe_mismatch, matches

_SENDING = "sending"
_CONNECTED = Outcome("connection established")
_SENT = Outcome("connection established, data sent")
_EXPECTED = Outcome("expected reply")


def converse(definition: CheckDefinition, progress: Progress) -> Conversation:
    """Connect to the target, send the data, compare the reply, and close the connection.

    The connection is closed with a FIN. A reset would save a minute in TIME_WAIT on this host, but
    servers log resets. A port in TIME_WAIT is only unusable for the same target.
    ``definition.probe`` must be a TcpProbe.
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
        expected = _match_reply(options.expect, reply, is_last=not part)
    return _EXPECTED


async def probe_tls(definition: CheckDefinition, progress: Progress) -> Outcome:
    """Perform the same steps as `converse` over TLS. ``definition.probe`` must be a TlsProbe."""
    options = definition.probe
    assert isinstance(options, TlsProbe)
    async with open_connection(definition, progress) as connection:
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
            expected = _match_reply(options.expect, reply, is_last=not part)
    return _EXPECTED


def _match_reply(pattern: str, reply: bytes, *, is_last: bool) -> bool:
    """Return whether the reply so far matches.

    Raises ProbeFailedError at the end of the stream or after 64 KiB without a match.
    """
    if matches(pattern, reply):
        return True
    if is_last or len(reply) == REPLY_LENGTH_MAX:
        raise ProbeFailedError(Reason.REPLY, describe_mismatch(pattern, reply, "reply"))
    return False
