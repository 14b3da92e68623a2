"""The TCP probe with data, without and with TLS, and its route options."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from checks.definition.check import Route
from checks.definition.options import TcpProbe, TlsProbe
from checks.definition.result import Reason
from tests.lab.probes.asking import SHORT, ask, time_for
from tests.lab.probes.certificates import GOOD_NAMES, Authority

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Serve = Callable[..., AbstractAsyncContextManager[int]]

LATE = "no answer within 0.3 s while "


async def pong(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer PING in several parts, and keep the connection open."""
    assert await reader.readline() == b"PING\r\n"
    for piece in (b"+", b"PO", b"NG\r\n"):
        writer.write(piece)
        await asyncio.sleep(0.01)
    await reader.read()


def saying(words: bytes, ending: Handler) -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(words)
        await writer.drain()
        await asyncio.sleep(0.02)  # so that a reset does not overtake the data
        await ending(reader, writer)

    return handle


@pytest.fixture(params=["in the clear", "over TLS"])
def conversation(
    request: pytest.FixtureRequest, authority: Authority
) -> tuple[type[TcpProbe], ssl.SSLContext | None]:
    """Run each test without and with TLS."""
    if request.param == "in the clear":
        return TcpProbe, None
    return TlsProbe, authority.server("good", GOOD_NAMES)


async def test_an_expected_reply_passes(
    serve: Serve, conversation: tuple[type[TcpProbe], ssl.SSLContext | None], authority: Authority
) -> None:
    kind, tls = conversation
    options = kind(send=b"PING\r\n", expect=r"^\+PONG")
    if isinstance(options, TlsProbe):
        options = TlsProbe(send=b"PING\r\n", expect=r"^\+PONG", tls_ca_file=authority.file)
    async with serve(pong, tls=tls) as port:
        result = await ask(port, options)
    assert result.reason is Reason.PASSED, result
    assert result.detail == "expected reply"


@pytest.mark.parametrize(
    ("bad", "reason", "detail"),
    [
        ((b"-ERR\r\n", "close"), Reason.REPLY, r"reply of 6 bytes does not match /^\+PONG/"),
        ((b"", "close"), Reason.REPLY, r"reply of 0 bytes does not match /^\+PONG/"),
        ((b"\xff\xfe\x00", "close"), Reason.REPLY, r"reply of 3 bytes does not match /^\+PONG/"),
        ((b"-ERR\r\n", "hang"), Reason.TIMEOUT, LATE + "waiting for the reply"),
        ((b"", "drip"), Reason.TIMEOUT, LATE + "waiting for the reply"),
        ((b"", "flood"), Reason.REPLY, r"reply of 65536 bytes does not match /^\+PONG/"),
    ],
)
async def test_an_unexpected_reply_is_named(  # noqa: PLR0917 - pytest gives names
    serve: Serve,
    endings: dict[str, Handler],
    conversation: tuple[type[TcpProbe], ssl.SSLContext | None],
    bad: tuple[bytes, str],
    reason: Reason,
    detail: str,
) -> None:
    kind, tls = conversation
    options = kind(expect=r"^\+PONG")
    if isinstance(options, TlsProbe):
        options = TlsProbe(expect=r"^\+PONG", tls_verify=False)
    words, ending = bad
    async with serve(saying(words, endings[ending]), tls=tls) as port:
        result = await ask(port, options, timeout=time_for(reason))
    assert (result.reason, result.detail) == (reason, detail)
    assert result.duration < 1.5


async def test_a_reset_in_a_conversation_is_named(
    serve: Serve, endings: dict[str, Handler]
) -> None:
    async with serve(saying(b"half", endings["reset"])) as port:
        result = await ask(port, TcpProbe(expect="whole"))
    assert result.reason is Reason.RESET
    assert result.detail == "waiting for the reply: Connection reset by peer"


async def test_a_search_that_takes_too_long_ends_the_probe_at_once(
    serve: Serve, endings: dict[str, Handler]
) -> None:
    async with serve(saying(b"a" * 40 + b"b", endings["hang"])) as port:
        result = await ask(port, TcpProbe(expect="(a+)+$"))
    assert result.reason is Reason.REPLY
    assert result.detail == "searching 41 characters for /(a+)+$/ took too long"


async def test_tls_alone_passes_when_the_certificate_is_good(
    serve: Serve, endings: dict[str, Handler], authority: Authority
) -> None:
    async with serve(endings["hang"], tls=authority.server("good", GOOD_NAMES)) as port:
        good = await ask(port, TlsProbe(tls_ca_file=authority.file, tls_expiry_warning=0.0))
        other = await ask(port, TlsProbe(tls_ca_file=authority.file, tls_name="other.example"))
    assert (good.detail, good.warning) == ("TLS established", "")
    assert other.reason is Reason.TLS
    assert other.detail.startswith("certificate: Hostname mismatch")


@pytest.mark.parametrize(
    ("ending", "reason", "detail"),
    [
        ("hang", Reason.TIMEOUT, LATE + "in the TLS handshake"),
        ("drip", Reason.TIMEOUT, LATE + "in the TLS handshake"),
        ("flood", Reason.TLS, "TLS: "),
        ("close", Reason.RESET, "in the TLS handshake: "),
        ("reset", Reason.RESET, "in the TLS handshake: "),
    ],
)
async def test_a_failed_handshake_is_named(
    serve: Serve, endings: dict[str, Handler], ending: str, reason: Reason, detail: str
) -> None:
    async with serve(endings[ending]) as port:
        result = await ask(port, TlsProbe(), timeout=time_for(reason))
    assert result.reason is reason, result
    assert result.detail.startswith(detail)
    assert result.duration < 1.5


async def test_a_probe_uses_the_source_of_the_check(serve: Serve) -> None:
    sources: list[str] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sources.append(writer.get_extra_info("peername")[0])

    async with serve(note) as port:
        for options in (TcpProbe(), TcpProbe(expect="$")):
            assert (await ask(port, options, route=Route(source="127.0.0.9"))).passed
    assert sources == ["127.0.0.9", "127.0.0.9"]


@pytest.mark.parametrize(
    ("route", "detail"),
    [
        (Route(source="192.0.2.1"), "connecting: Cannot assign requested address"),
        (Route(interface="nowhere0"), "connecting: No such device"),
    ],
)
async def test_an_unusable_route_option_is_a_local_error(
    closed_port: int, route: Route, detail: str
) -> None:
    result = await ask(closed_port, TcpProbe(), route=route)
    assert (result.reason, result.detail) == (Reason.LOCAL_ERROR, detail)


async def test_no_socket_is_left_behind(serve: Serve, endings: dict[str, Handler]) -> None:
    """After a pass and after a timeout."""
    with socket.socket() as lowest_free:
        before = lowest_free.fileno()
    async with serve(endings["hang"]) as port:
        for _ in range(3):
            await ask(port, TcpProbe(expect="x"), timeout=SHORT)
            with contextlib.suppress(AssertionError):
                await ask(port, TlsProbe(), timeout=SHORT)
    with socket.socket() as lowest_free:
        assert lowest_free.fileno() == before
