"""The TCP and TLS probe: passes when a connection is established and says what is expected."""

from __future__ import annotations

import socket

from checks.attempt import CONNECTING, Outcome, ProbeFailedError, Progress
from checks.connection import (
    AWAITING_REPLY,
    REPLY_LENGTH_MAX,
    Connection,
    connect,
    connected,
    open_socket,
)
from checks.definition import CheckDefinition
from checks.expectation import is_found, mismatch
from checks.options import TcpProbe, TlsProbe
from checks.result import Reason


async def probe(definition: CheckDefinition, progress: Progress) -> Outcome:
    """Connect to the target, send and read what is asked for, and close.

    The close is an ordinary one. A reset would spare this host a minute of TIME_WAIT for each
    probe, but servers log resets; a port in TIME_WAIT blocks only its own target's address.
    ``definition.probe`` is a TcpProbe.
    """
    options = definition.probe
    assert isinstance(options, TcpProbe)
    secured = isinstance(options, TlsProbe)
    if not secured and options.send is None and options.expect is None:
        progress.enter(CONNECTING)
        with open_socket(definition, socket.SOCK_STREAM) as made:
            await connect(made, definition)
        return Outcome("connection established")
    async with connected(definition, progress) as connection:
        if isinstance(options, TlsProbe):
            await connection.start_tls(options, options.tls_name)
        if options.send is not None:
            progress.enter("sending")
            await connection.send(options.send)
        if options.expect is not None:
            progress.enter(AWAITING_REPLY)
            await _await_reply(connection, options.expect)
            return Outcome("expected reply")
    return Outcome("TLS established" if secured else "connection established, data sent")


async def _await_reply(connection: Connection, pattern: str) -> None:
    """Read until the pattern is found, the connection's end, or 64 KiB."""
    reply = b""
    while True:
        part = await connection.receive(REPLY_LENGTH_MAX - len(reply))
        reply += part
        if is_found(pattern, reply):
            return
        if not part or len(reply) == REPLY_LENGTH_MAX:
            raise ProbeFailedError(Reason.REPLY, mismatch(pattern, reply, "reply"))
