"""The TCP and TLS probes: they connect, and optionally send data and search the reply."""

from __future__ import annotations

from checks.definition.check import CheckDefinition
from checks.definition.options import TcpProbe, TlsProbe
from checks.definition.result import Reason
from checks.io.attempt import CONNECTING, Outcome, ProbeFailedError, Progress
from checks.io.connection import AWAITING_REPLY, REPLY_LENGTH_MAX, open_connection
from checks.io.operations import CONNECT, Conversation, Receive, Send
from checks.probes.expectation import describe_mismatch, matches

PARTS_MAX = 256
"""The largest number of parts of a reply. A search of 64 KiB after each byte would take seconds."""

_SENDING = "sending"
_CONNECTED = Outcome("connection established")
_SENT = Outcome("connection established, data sent")
_EXPECTED = Outcome("expected reply")


def converse(definition: CheckDefinition, progress: Progress) -> Conversation:
    """Connect to the target, send the data, compare the reply, and close the connection.

    The connection is closed with a FIN, because servers log a reset. The cost is one port in
    TIME_WAIT on this host for a minute, and this port is unusable only for the same target.
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
    reply = _Reply(options.expect, definition.identity)
    while not reply.add((yield Receive(reply.missing))):
        pass
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
        reply = _Reply(options.expect, definition.identity)
        while not reply.add(await connection.receive(reply.missing)):
            pass
    return _EXPECTED


class _Reply:
    """The reply so far, in which each new part causes a search for the expected pattern."""

    def __init__(self, pattern: str, target: str) -> None:
        self._pattern = pattern
        self._target = target
        self._reply = b""
        self._parts = 0

    @property
    def missing(self) -> int:
        """The number of bytes until the limit."""
        return REPLY_LENGTH_MAX - len(self._reply)

    def add(self, part: bytes) -> bool:
        """Add the next part, empty at the end of the stream; return whether the reply matches.

        Raises ProbeFailedError at the end of the stream, after 64 KiB or after PARTS_MAX parts
        without a match.
        """
        self._reply += part
        self._parts += 1
        if matches(self._pattern, self._reply, self._target):
            return True
        if not part or not self.missing or self._parts == PARTS_MAX:
            detail = describe_mismatch(self._pattern, self._reply, "reply")
            raise ProbeFailedError(Reason.REPLY, detail)
        return False
