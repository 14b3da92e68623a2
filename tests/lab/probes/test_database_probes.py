"""The Redis probe against a real Redis, and the PostgreSQL probe against recorded answers."""

import asyncio
import struct
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from checks.definition.options import PostgresProbe, RedisProbe
from checks.definition.result import Reason
from tests.lab.probes.asking import ask, time_for
from tests.lab.probes.processes import server

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Serve = Callable[..., AbstractAsyncContextManager[int]]

LATE = "no answer within 0.3 s while waiting for the reply"
CUT = "waiting for the reply: connection closed without a complete reply"


@pytest.mark.parametrize(
    ("settings", "detail"),
    [([], "PONG"), (["--requirepass", "secret"], "the server answers, but requires a password")],
)
async def test_redis_answers_with_and_without_a_password(settings: list[str], detail: str) -> None:
    def command(port: int) -> list[str]:
        return ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", *settings]

    with server(command) as port:
        result = await ask(port, RedisProbe())
    assert (result.reason, result.detail) == (Reason.PASSED, detail)


def replying(words: bytes, ending: Handler) -> Handler:
    """Send these bytes after the first data from the client."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1024)
        writer.write(words)
        await writer.drain()
        await asyncio.sleep(0.02)
        await ending(reader, writer)

    return handle


@pytest.mark.parametrize(
    ("words", "ending", "reason", "detail"),
    [
        (b"", "hang", Reason.TIMEOUT, LATE),
        (b"+PO", "drip", Reason.TIMEOUT, LATE),
        (b"+PONG", "close", Reason.PROTOCOL, CUT),
        (b"", "reset", Reason.RESET, "waiting for the reply: Connection reset by peer"),
        (
            b"",
            "flood",
            Reason.PROTOCOL,
            "waiting for the reply: got a line of more than 65536 bytes",
        ),
        (
            b"-LOADING Redis is loading the dataset in memory\r\n",
            "hang",
            Reason.STATUS,
            "PING: LOADING Redis is loading the dataset in memory",
        ),
        (b"HTTP/1.1 400 Bad\r\n", "close", Reason.PROTOCOL, "not a Redis reply: HTTP/1.1 400 Bad"),
        (b"\xff\xfe\r\n", "hang", Reason.PROTOCOL, "not a Redis reply: "),
    ],
)
async def test_redis_names_the_fault_of_a_bad_server(  # noqa: PLR0917 - pytest gives names
    serve: Serve,
    endings: dict[str, Handler],
    words: bytes,
    ending: str,
    reason: Reason,
    detail: str,
) -> None:
    async with serve(replying(words, endings[ending])) as port:
        result = await ask(port, RedisProbe(), timeout=time_for(reason))
    assert result.reason is reason, result
    assert result.detail.startswith(detail), result
    assert result.detail.isprintable()


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def refusal(state: bytes, words: bytes) -> bytes:
    """An ErrorResponse with the fields that a server sends (protocol, section 55.8)."""
    return message(b"E", b"SFATAL\0VFATAL\0C" + state + b"\0M" + words + b"\0Fpostmaster.c\0\0")


STARTING = refusal(b"57P03", b"the database system is starting up")
FULL = refusal(b"53300", b"sorry, too many clients already")
STRANGER = refusal(b"28000", b'no pg_hba.conf entry for host "10.0.0.1"')
SASL = message(b"R", b"\0\0\0\x0aSCRAM-SHA-256\0\0")


@pytest.mark.parametrize(
    ("words", "ending", "reason", "detail"),
    [
        (SASL, "hang", Reason.PASSED, "accepts logins"),
        (
            STRANGER,
            "close",
            Reason.PASSED,
            "rejects this login with error 28000 no pg_hba.conf entry for",
        ),
        (STARTING, "close", Reason.STATUS, "57P03 the database system is starting up"),
        (FULL, "close", Reason.STATUS, "53300 sorry, too many clients already"),
        (b"", "hang", Reason.TIMEOUT, LATE),
        (SASL[:7], "drip", Reason.TIMEOUT, LATE),
        (SASL[:7], "close", Reason.PROTOCOL, CUT),
        (b"", "reset", Reason.RESET, "waiting for the reply: Connection reset by peer"),
        (b"", "flood", Reason.PROTOCOL, "not a PostgreSQL reply"),
        (b"R\xff\xff\xff\xff", "hang", Reason.PROTOCOL, "not a PostgreSQL reply"),
        (b"R\0\0\0\x03", "hang", Reason.PROTOCOL, "not a PostgreSQL reply"),
        (message(b"E", b"\xff\xfe\0\0"), "hang", Reason.PROTOCOL, "not a PostgreSQL reply: an er"),
        (b"SSH-2.0-OpenSSH\r\n", "hang", Reason.PROTOCOL, "not a PostgreSQL reply"),
    ],
)
async def test_postgres_passes_if_the_server_accepts_logins(  # noqa: PLR0917 - by name
    serve: Serve,
    endings: dict[str, Handler],
    words: bytes,
    ending: str,
    reason: Reason,
    detail: str,
) -> None:
    async with serve(replying(words, endings[ending])) as port:
        result = await ask(port, PostgresProbe(), timeout=time_for(reason))
    assert result.reason is reason, result
    assert result.detail.startswith(detail), result
    assert result.duration < 1.5


async def test_postgres_sends_a_startup_message_and_terminates(serve: Serve) -> None:
    """StartupMessage and Terminate, byte by byte (protocol, section 55.7)."""
    heard: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readexactly(29))
        writer.write(SASL)
        heard.append(await reader.read())

    async with serve(handle) as port:
        assert (await ask(port, PostgresProbe(user="ha", database="db"))).passed
    assert heard == [
        b"\0\0\0\x1d\0\x03\0\0user\0ha\0database\0db\0\0",
        b"X\0\0\0\x04",
    ]
