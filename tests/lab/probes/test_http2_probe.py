"""HTTP/2 in the HTTP probe: its requests, its requirements on TLS, and bad servers."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from hpack import Decoder

from checks.definition.options import HttpProbe, HttpsProbe
from checks.definition.result import Reason
from tests.lab.probes.asking import ask, time_for
from tests.lab.probes.certificates import GOOD_NAMES, Authority
from tests.lab.probes.frames import (
    BEGUN,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PUSH,
    RST_STREAM,
    STATUS_200,
    fields,
    frame,
    header_block,
    long_field,
)
from tests.lab.probes.real_servers import nginx

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Serve = Callable[..., AbstractAsyncContextManager[int]]

HEAD = BEGUN + frame(HEADERS, END_HEADERS, 1, STATUS_200)
BODY = frame(DATA, END_STREAM, 1, b"ready")
READY = HEAD + BODY
LATE = "no answer within 0.3 s while "


def replying(*replies: bytes) -> tuple[Handler, list[bytes]]:
    """A server with one reply per connection, which records the requests."""
    asked: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.read(4096))
        writer.write(replies[len(asked) - 1])
        await reader.read()

    return handle, asked


def request_fields(sent: bytes) -> dict[str, str]:
    """The fields of the only HEADERS frame of a request."""
    at = len(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    while sent[at + 3] != HEADERS:
        at += 9 + int.from_bytes(sent[at : at + 3], "big")
    block = sent[at + 9 : at + 9 + int.from_bytes(sent[at : at + 3], "big")]
    return {str(name): str(value) for name, value in Decoder().decode(block)}


async def test_a_request_has_the_fields_of_http_2_and_no_connection_fields(serve: Serve) -> None:
    """Names are in lower case, and Host is :authority (RFC 9113, section 8.3.1)."""
    handle, asked = replying(READY)
    options = HttpProbe(
        http_version=2,
        method="POST",
        path="/login?x=1",
        host="web.example",
        headers=(("User-Agent", "probe/2"), ("X-Tenant", "7")),
        body=b"a=b",
        username="Aladdin",
        password="open sesame",
    )
    async with serve(handle) as port:
        assert (await ask(port, options)).passed
    assert request_fields(asked[0]) == {
        ":method": "POST",
        ":scheme": "http",
        ":path": "/login?x=1",
        ":authority": "web.example",
        "user-agent": "probe/2",
        "x-tenant": "7",
        "accept": "*/*",
        "accept-encoding": "identity",
        "content-length": "3",
        "authorization": "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",  # RFC 7617, section 2
    }


async def test_a_server_may_close_the_connection_after_its_reply(serve: Serve) -> None:
    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(READY + frame(GOAWAY, 0, 0, b"\0\0\0\1\0\0\0\0"))

    async with serve(close) as port:
        result = await ask(port, HttpProbe(http_version=2, expect_body="^ready$"))
    assert result.passed, result


async def test_a_redirected_post_becomes_a_get_on_another_connection(serve: Serve) -> None:
    there = fields((b":status", b"303"), (b"location", b"/there"))
    moved = BEGUN + frame(HEADERS, END_HEADERS | END_STREAM, 1, there)
    handle, asked = replying(moved, READY)
    async with serve(handle) as port:
        options = HttpProbe(http_version=2, method="POST", body=b"a=b", redirects=1)
        result = await ask(port, options)
    assert result.passed, result
    assert asked[0].endswith(frame(DATA, END_STREAM, 1, b"a=b"))
    assert asked[1].startswith(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    assert b"a=b" not in asked[1]


async def test_https_requires_that_the_server_selects_http_2(
    serve: Serve, endings: dict[str, Handler], authority: Authority
) -> None:
    """One server has no ALPN, and nginx without HTTP/2 refuses (RFC 7301, section 3.2)."""
    probe = HttpsProbe(tls_ca_file=authority.file, http_version=2)
    async with serve(endings["hang"], authority.server("good", GOOD_NAMES)) as port:
        silent = await ask(port, probe)
    # Not in the folder of pytest, because only its owner can enter it.
    with tempfile.TemporaryDirectory() as folder, nginx(Path(folder), "ssl", authority) as port:
        old = await ask(port, probe)
    assert (silent.reason, silent.detail) == (
        Reason.TLS,
        "TLS: the server did not select h2 (ALPN)",
    )
    assert (old.reason, old.detail) == (Reason.TLS, "TLS: the server did not select h2 (ALPN)")


async def test_https_uses_http_2_with_a_server_that_supports_it(
    serve: Serve, authority: Authority
) -> None:
    tls = authority.server("new", GOOD_NAMES)
    tls.set_alpn_protocols(["http/1.1", "h2"])
    handle, _ = replying(READY)
    async with serve(handle, tls) as port:
        probe = HttpsProbe(tls_ca_file=authority.file, http_version=2, expect_body="^ready$")
        result = await ask(port, probe)
    assert result.passed, result


@pytest.mark.parametrize(
    ("words", "ending", "reason", "detail"),
    [
        (BEGUN, "hang", Reason.TIMEOUT, LATE + "waiting for the reply"),
        (BEGUN, "close", Reason.PROTOCOL, "waiting for the reply: connection closed without a"),
        (BEGUN, "reset", Reason.RESET, "waiting for the reply: Connection reset by peer"),
        (HEAD, "hang", Reason.TIMEOUT, LATE + "reading the body"),
        (HEAD, "drip", Reason.TIMEOUT, LATE + "reading the body"),
        (HEAD, "close", Reason.PROTOCOL, "reading the body: connection closed without a comple"),
        (HEAD, "flood", Reason.PROTOCOL, "not an HTTP/2 reply: "),
        (
            BEGUN + frame(HEADERS, END_HEADERS, 1, fields((b":status", b"103"))),
            "hang",
            Reason.TIMEOUT,
            LATE + "waiting for the reply",
        ),
        (
            BEGUN + frame(HEADERS, END_HEADERS, 1, b"\x8d"),
            "hang",
            Reason.STATUS,
            "status 404, expected 200",
        ),
        (READY, "hang", Reason.BODY, "body of 5 bytes does not match /^up$/"),
        (
            HEAD + frame(RST_STREAM, 0, 1, b"\0\0\0\x0b"),
            "hang",
            Reason.RESET,
            "the server reset the stream: ENHANCE_YOUR_CALM",
        ),
        (
            BEGUN + frame(GOAWAY, 0, 0, b"\0\0\0\0\0\0\0\0"),
            "hang",
            Reason.RESET,
            "the server ended the connection: NO_ERROR",
        ),
        (
            HEAD + frame(PUSH, END_HEADERS, 1, b"\0\0\0\2\x82"),
            "hang",
            Reason.PROTOCOL,
            "not an HTTP/2 reply: ",
        ),
        (
            BEGUN + frame(HEADERS, 0, 1, STATUS_200) + frame(CONTINUATION, 0, 1) * 1000,
            "hang",
            Reason.PROTOCOL,
            "not an HTTP/2 reply: ",
        ),
        (HEAD + frame(DATA, 0, 1) * 20_000, "hang", Reason.PROTOCOL, "not an HTTP/2 reply: more"),
        (
            BEGUN + header_block(STATUS_200 + long_field(60_000) * 2),
            "hang",
            Reason.PROTOCOL,
            "not an HTTP/2 reply: Oversized header block",
        ),
        (
            BEGUN + header_block(STATUS_200 + fields((b"content-length", b"9"))) + BODY,
            "hang",
            Reason.PROTOCOL,
            "not an HTTP/2 reply: InvalidBodyLengthError: Expected 9 bytes, received 5",
        ),
        (HEAD + b"\xff\xff\xff\0\0\0\0\0\1", "hang", Reason.TIMEOUT, LATE + "reading the body"),
        (
            BEGUN + header_block(STATUS_200 + fields((b"\xff", b"\xfe"))),
            "hang",
            Reason.PROTOCOL,
            "not an HTTP/2 reply: Illegal character",
        ),
    ],
)
async def test_http_names_the_fault_of_a_bad_http_2_server(  # noqa: PLR0917 - pytest gives names
    serve: Serve,
    endings: dict[str, Handler],
    words: bytes,
    ending: str,
    reason: Reason,
    detail: str,
) -> None:
    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(words)
        await writer.drain()
        await asyncio.sleep(0.02)  # so that a reset does not overtake the data
        await endings[ending](reader, writer)

    async with serve(reply) as port:
        probe = HttpProbe(http_version=2, expect_body="^up$")
        result = await ask(port, probe, timeout=time_for(reason))
    assert result.reason is reason, result
    assert result.detail.startswith(detail), result
    assert result.detail.isprintable()
    assert result.duration < 1.5
