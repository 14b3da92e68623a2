"""The MySQL probe against a real MariaDB, and against bad servers."""

import asyncio
import socket
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from checks.definition.check import Route
from checks.definition.options import MysqlProbe
from checks.definition.result import Reason
from tests.lab.probes.asking import ask, time_for
from tests.lab.probes.mysql_server import mariadb

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Serve = Callable[..., AbstractAsyncContextManager[int]]

LATE = "no answer within 0.3 s while waiting for the "
CONNECT_ERRORS_MAX = 3


@pytest.fixture(scope="module")
def mysql() -> Iterator[int]:
    # Not in the folder of pytest, because only its owner can enter it.
    limit = f"--max-connect-errors={CONNECT_ERRORS_MAX}"
    with tempfile.TemporaryDirectory() as made, mariadb(Path(made), limit) as port:
        yield port


async def test_mysql_passes_for_accepted_and_rejected_logins(mysql: int) -> None:
    stranger = await ask(mysql, MysqlProbe())
    watcher = await ask(mysql, MysqlProbe(user="watcher"))
    assert stranger.passed, stranger
    assert "-MariaDB" in stranger.detail
    assert (
        "rejects this login with error 1045 Access denied for user 'hadirector'" in stranger.detail
    )
    assert watcher.passed, watcher
    assert watcher.detail.endswith(" accepts the login of watcher")


async def test_mysql_does_not_block_the_address_of_the_probe(mysql: int) -> None:
    """The source is not 127.0.0.1, which MariaDB never blocks (sql/hostname.cc)."""
    ours, theirs = Route(source="127.0.0.9"), "127.0.0.10"
    for _ in range(CONNECT_ERRORS_MAX + 2):
        assert (await ask(mysql, MysqlProbe(), route=ours)).passed
    for _ in range(CONNECT_ERRORS_MAX + 1):
        with socket.create_connection(("127.0.0.1", mysql), 5, (theirs, 0)) as rude:
            rude.recv(4096)
        await asyncio.sleep(0.05)
    blocked = await ask(mysql, MysqlProbe(), route=Route(source=theirs))
    assert blocked.reason is Reason.STATUS, blocked
    assert blocked.detail.startswith("1129 Host '127.0.0.10' is blocked because of many")


def packet(number: int, content: bytes) -> bytes:
    return len(content).to_bytes(3, "little") + bytes((number,)) + content


HELLO = packet(0, b"\x0a8.0.36\0" + bytes(60))
FULL = packet(0, b"\xff\x10\x04Too many connections")
NOT_FROM_HERE = packet(0, b"\xff\x6a\x04Host 'lb1' is not allowed to connect")
DENIED = packet(2, b"\xff\x15\x04#28000Access denied")
SWITCH = packet(2, b"\xfecaching_sha2_password\0salt\0")


@pytest.mark.parametrize(
    ("words", "ending", "reason", "detail"),
    [
        (
            [HELLO, packet(2, bytes(7))],
            "hang",
            Reason.PASSED,
            "8.0.36 accepts the login of hadirector",
        ),
        ([HELLO, SWITCH, packet(4, bytes(7))], "hang", Reason.PASSED, "8.0.36 accepts the login"),
        (
            [HELLO, DENIED],
            "close",
            Reason.PASSED,
            "8.0.36 rejects this login with error 1045 Access denied",
        ),
        (
            [NOT_FROM_HERE],
            "close",
            Reason.PASSED,
            "rejects this login with error 1130 Host 'lb1' is not",
        ),
        ([FULL], "close", Reason.STATUS, "1040 Too many connections"),
        ([HELLO, packet(2, b"\xff\x1d\x04#08S01bye")], "close", Reason.STATUS, "1053 bye"),
        ([b""], "hang", Reason.TIMEOUT, LATE + "handshake"),
        ([HELLO[:9]], "drip", Reason.TIMEOUT, LATE + "handshake"),
        ([HELLO[:9]], "close", Reason.PROTOCOL, "waiting for the handshake: connection closed"),
        ([HELLO], "hang", Reason.TIMEOUT, LATE + "reply"),
        ([HELLO], "close", Reason.PROTOCOL, "waiting for the reply: connection closed"),
        ([HELLO], "reset", Reason.RESET, "waiting for the reply: Connection reset by peer"),
        ([HELLO, SWITCH], "hang", Reason.TIMEOUT, LATE + "reply"),
        (
            [HELLO, packet(2, b"\1")],
            "hang",
            Reason.PROTOCOL,
            "not a MySQL reply: the answer to the l",
        ),
        ([b""], "flood", Reason.PROTOCOL, "not a MySQL reply: a packet of 7895160 bytes"),
        ([packet(0, b"")], "hang", Reason.PROTOCOL, "not a MySQL reply: a packet of 0 bytes"),
        ([packet(0, b"\x09old\0")], "hang", Reason.PROTOCOL, "not a MySQL reply: protocol 9, exp"),
        (
            [packet(0, b"\x0a8.0")],
            "hang",
            Reason.PROTOCOL,
            "not a MySQL reply: the version has no terminating zero byte",
        ),
        ([packet(0, b"\xff\x15")], "hang", Reason.PROTOCOL, "not a MySQL reply: an error without"),
        ([packet(0, b"\xff\x10\x04\xff\xfe\x1b")], "hang", Reason.STATUS, "1040 "),
        ([b"SSH-2.0-OpenSSH\r\n"], "hang", Reason.PROTOCOL, "not a MySQL reply: a packet of"),
    ],
)
async def test_mysql_passes_if_the_server_accepts_logins(  # noqa: PLR0917 - by name
    serve: Serve,
    endings: dict[str, Handler],
    words: list[bytes],
    ending: str,
    reason: Reason,
    detail: str,
) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(words[0])
        for packet in words[1:]:
            length = int.from_bytes(await reader.readexactly(3), "little")
            await reader.readexactly(1 + length)
            writer.write(packet)
        await writer.drain()
        await asyncio.sleep(0.02)
        await endings[ending](reader, writer)

    async with serve(handle) as port:
        result = await ask(port, MysqlProbe(), timeout=time_for(reason))
    assert result.reason is reason, result
    assert result.detail.startswith(detail), result
    assert result.detail.isprintable()
    assert result.duration < 1.5


async def test_mysql_sends_a_login_without_a_password_and_quits(serve: Serve) -> None:
    """HandshakeResponse41 and COM_QUIT, byte by byte (MySQL's manual, "Connection Phase")."""
    heard: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HELLO)
        heard.append(await reader.readexactly(62))
        writer.write(packet(2, bytes(7)))
        heard.append(await reader.read())

    async with serve(handle) as port:
        assert (await ask(port, MysqlProbe(user="ha"))).passed
    settings = b"\x01\x82\x08\x00" + b"\x00\x00\x01\x00" + b"\x2d" + bytes(23)
    assert heard == [
        b"\x3a\0\0\x01" + settings + b"ha\0" + b"\0" + b"mysql_native_password\0",
        b"\x01\0\0\0\x01",
    ]
