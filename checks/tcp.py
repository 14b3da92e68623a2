"""The TCP probe: passes when a connection is established."""

from __future__ import annotations

import asyncio
import socket
from time import monotonic

from checks.definition import CheckDefinition
from checks.faults import describe, reason_of
from checks.result import Reason, Result


async def probe(definition: CheckDefinition) -> Result:
    """Connect to the target and close.

    The close is an ordinary one. A reset would spare this host a minute of TIME_WAIT for each
    probe, but servers log resets; a port in TIME_WAIT blocks only its own target's address.
    """
    started = monotonic()
    timeout = definition.timing.timeout
    try:
        async with asyncio.timeout(timeout):
            await _connect(definition.address, definition.port)
    except TimeoutError:
        reason, detail = Reason.TIMEOUT, f"no answer within {timeout:g} s while connecting"
    except OSError as error:
        reason, detail = reason_of(error), f"connecting: {describe(error)}"
    else:
        reason, detail = Reason.PASSED, "connection established"
    return Result(reason, detail, monotonic() - started)


async def _connect(address: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as connection:
        await asyncio.get_running_loop().sock_connect(connection, (address, port))
