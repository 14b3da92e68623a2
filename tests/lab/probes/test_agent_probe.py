"""The agent probe against good and bad agents."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from checks.definition.options import AgentProbe
from checks.definition.result import Reason
from tests.lab.probes.asking import ask, time_for

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Serve = Callable[..., AbstractAsyncContextManager[int]]

AGENT = AgentProbe()
LATE = "no answer within 0.3 s while waiting for the reply"


def sending(words: bytes, ending: Handler) -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(words)
        await writer.drain()
        await asyncio.sleep(0.02)
        await ending(reader, writer)

    return handle


@pytest.mark.parametrize(
    ("words", "ending", "reason", "detail", "weight"),
    [
        (b"75%\n", "hang", Reason.PASSED, "the agent reports 75%", 75),
        (b"up\r", "hang", Reason.PASSED, "the agent reports up", None),
        (b"drain", "close", Reason.PASSED, "the agent reports drain", 0),
        (b"maint\n", "close", Reason.DOWN, "the agent reports maint", None),
        (b"down#disk full\n", "flood", Reason.DOWN, "the agent reports down#disk full", None),
        (b"", "close", Reason.PROTOCOL, "not an agent's statement: ", None),
        (b"SSH-2.0-x\r\n", "hang", Reason.PROTOCOL, "not an agent's statement: SSH-2.0-x", None),
        (b"\xff\xfe\n", "hang", Reason.PROTOCOL, "not an agent's statement: ", None),
        (b"", "flood", Reason.PROTOCOL, "not an agent's statement: xxx", None),
        (b"7", "hang", Reason.TIMEOUT, LATE, None),
        (b"7", "drip", Reason.TIMEOUT, LATE, None),
        (b"7", "reset", Reason.RESET, "waiting for the reply: Connection reset by peer", None),
    ],
)
async def test_a_statement_has_its_effect_or_its_fault_is_named(  # noqa: PLR0917 - pytest gives names
    serve: Serve,
    endings: dict[str, Handler],
    words: bytes,
    ending: str,
    reason: Reason,
    detail: str,
    weight: int | None,
) -> None:
    async with serve(sending(words, endings[ending])) as port:
        result = await ask(port, AGENT, timeout=time_for(reason))
    assert (result.reason, result.weight) == (reason, weight), result
    assert result.detail.startswith(detail.rstrip()), result
    assert result.detail.isprintable()
    assert result.duration < 1.5


async def test_the_agent_receives_the_data_to_send(serve: Serve) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"50%\n" if await reader.readline() == b"web\n" else b"down\n")

    async with serve(handle) as port:
        result = await ask(port, AgentProbe(send=b"web\n"))
    assert (result.reason, result.weight) == (Reason.PASSED, 50)


async def test_a_missing_agent_fails(closed_port: int) -> None:
    result = await ask(closed_port, AGENT)
    assert (result.reason, result.detail) == (Reason.REFUSED, "connecting: Connection refused")
