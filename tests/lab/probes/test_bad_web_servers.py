"""The HTTP probe against web servers with every kind of fault. The result names the fault."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass

import pytest

from checks.definition.options import HttpProbe
from checks.definition.result import Reason
from tests.lab.probes.asking import SHORT, ask, ask_in_task, time_for

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Serve = Callable[..., AbstractAsyncContextManager[int]]
Answer = Callable[..., AbstractAsyncContextManager[int]]

PLAIN = HttpProbe()


@dataclass(frozen=True)
class Bad:
    """The reply of a server, how it ends the connection, and the expected result."""

    name: str
    reply: bytes
    then: str
    reason: Reason
    detail: str
    probe: HttpProbe = PLAIN


def ok(body: bytes, *headers: bytes) -> bytes:
    lines = [b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


LATE = "no answer within 0.3 s while "

ZOO = [
    Bad(
        "resets at the request",
        b"",
        "reset",
        Reason.RESET,
        "waiting for the reply: Connection reset by peer",
    ),
    Bad(
        "closes without a reply",
        b"",
        "close",
        Reason.PROTOCOL,
        "waiting for the reply: connection closed without a complete reply",
    ),
    Bad(
        "closes mid-headers",
        b"HTTP/1.1 200 OK\r\nContent-",
        "close",
        Reason.PROTOCOL,
        "waiting for the reply: connection closed without a complete reply",
    ),
    Bad("hangs at the request", b"", "hang", Reason.TIMEOUT, LATE + "waiting for the reply"),
    Bad(
        "hangs mid-headers",
        b"HTTP/1.1 200 OK\r\nContent-",
        "hang",
        Reason.TIMEOUT,
        LATE + "waiting for the reply",
    ),
    Bad(
        "hangs mid-body",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
        "hang",
        Reason.TIMEOUT,
        LATE + "reading the body",
    ),
    Bad(
        "drips its status line",
        b"",
        "drip",
        Reason.TIMEOUT,
        LATE + "waiting for the reply",
    ),
    Bad(
        "drips its headers",
        b"HTTP/1.1 200 OK\r\nX-Slow: ",
        "drip",
        Reason.TIMEOUT,
        LATE + "waiting for the reply",
    ),
    Bad(
        "drips its body",
        b"HTTP/1.1 200 OK\r\n\r\n",
        "drip",
        Reason.TIMEOUT,
        LATE + "reading the body",
    ),
    Bad(
        "says 100 Continue and nothing else",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        "hang",
        Reason.TIMEOUT,
        LATE + "waiting for the reply",
    ),
    Bad(
        "promises more than it sends",
        b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\nshort",
        "close",
        Reason.PROTOCOL,
        "reading the body: connection closed before the end of the body",
    ),
    Bad(
        "sends a negative length",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nshort",
        "close",
        Reason.PROTOCOL,
        "not an HTTP reply: ",
    ),
    Bad(
        "ends in the middle of a chunk",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc",
        "close",
        Reason.PROTOCOL,
        "reading the body: connection closed before the end of the body",
    ),
    Bad(
        "is in maintenance",
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
        "close",
        Reason.STATUS,
        "status 503, expected 200",
    ),
    Bad(
        "redirects",
        b"HTTP/1.1 302 Found\r\nLocation: /else\r\nContent-Length: 0\r\n\r\n",
        "close",
        Reason.STATUS,
        "status 302, expected 200 or 204-299",
        HttpProbe(expect_status=((200, 200), (204, 299))),
    ),
    Bad(
        "says something else",
        ok(b"not ready"),
        "close",
        Reason.BODY,
        "body of 9 bytes does not match /^ready$/",
        HttpProbe(expect_body="^ready$"),
    ),
    Bad(
        "says it too late in the body",
        ok(b"x" * 65536 + b"needle"),
        "close",
        Reason.BODY,
        "body of 65536 bytes does not match /needle/",
        HttpProbe(expect_body="needle"),
    ),
    Bad(
        "sends the body in chunks of one byte",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 65536,
        "close",
        Reason.PROTOCOL,
        "not an HTTP reply: a body of more than 4096 parts",
    ),
    Bad(
        "makes the search slow",
        ok(b"a" * 40 + b"b"),
        "close",
        Reason.REPLY,
        "searching 41 characters for /(a+)+$/ took too long",
        HttpProbe(expect_body="(a+)+$"),
    ),
    Bad(
        "makes the search for a forbidden text slow",
        ok(b"a" * 40 + b"b"),
        "close",
        Reason.REPLY,
        "searching 41 characters for /(a+)+$/ took too long",
        HttpProbe(expect_not="(a+)+$", expect_offset_max=40),
    ),
    Bad(
        "sends one huge header",
        b"HTTP/1.1 200 OK\r\nX-Huge: " + b"x" * 100_000 + b"\r\n\r\n",
        "hang",
        Reason.PROTOCOL,
        "not an HTTP reply: ",
    ),
    Bad(
        "sends a header without end",
        b"HTTP/1.1 200 OK\r\nX-Huge: ",
        "flood",
        Reason.PROTOCOL,
        "not an HTTP reply: ",
    ),
    Bad(
        "sends headers without end",
        b"HTTP/1.1 200 OK\r\n" + b"X-Many: x\r\n" * 20_000,
        "hang",
        Reason.PROTOCOL,
        "not an HTTP reply: ",
    ),
    Bad(
        "floods after the last chunk",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Huge: ",
        "flood",
        Reason.PROTOCOL,
        "not an HTTP reply: it exceeds 589824 bytes, because its body has many small chunks",
    ),
    Bad(
        "sends binary headers",
        b"HTTP/1.1 503 \xff\xfe\r\nX-\xe9: \x80\x81\r\n\r\n",
        "close",
        Reason.PROTOCOL,
        "not an HTTP reply: ",
    ),
    Bad(
        "speaks SSH",
        b"SSH-2.0-OpenSSH_9.2p1\r\n",
        "close",
        Reason.PROTOCOL,
        "not an HTTP reply: ",
    ),
    Bad(
        "speaks in control codes",
        b"\x1b[2J\x00\xff\r\n\r\n",
        "close",
        Reason.PROTOCOL,
        "not an HTTP reply: ",
    ),
]


@pytest.mark.parametrize("bad", ZOO, ids=lambda bad: bad.name)
async def test_http_names_the_fault_of_a_bad_server(answer: Answer, bad: Bad) -> None:
    async with answer(bad.reply, bad.then) as port:
        result = await ask(port, bad.probe, timeout=time_for(bad.reason))
    assert result.reason is bad.reason, result
    assert result.detail.startswith(bad.detail), result
    assert result.detail.isprintable()
    assert len(result.detail) <= 200
    assert result.duration < 1.5


async def test_http_names_a_reset_before_the_request_was_read(
    serve: Serve, endings: dict[str, Handler]
) -> None:
    async with serve(endings["reset"]) as port:
        result = await ask(port, HttpProbe())
    assert result.reason is Reason.RESET
    assert result.detail == "waiting for the reply: Connection reset by peer"


async def test_http_makes_one_attempt_only(serve: Serve, endings: dict[str, Handler]) -> None:
    """A second attempt would hide a server that resets every other connection."""
    connections = 0

    async def reset_the_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        if connections == 1:
            await endings["reset"](reader, writer)
        else:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(ok(b""))

    async with serve(reset_the_first) as port:
        result = await ask(port, HttpProbe())
    assert result.reason is Reason.RESET
    assert connections == 1


async def test_http_is_refused_by_a_closed_port(closed_port: int) -> None:
    result = await ask(closed_port, HttpProbe())
    assert result.reason is Reason.REFUSED
    assert result.detail == "connecting: Connection refused"


async def test_http_times_out_on_a_host_that_does_not_answer(deaf_port: int) -> None:
    result = await ask(deaf_port, HttpProbe(), timeout=SHORT)
    assert result.reason is Reason.TIMEOUT
    assert result.detail == "no answer within 0.3 s while connecting"
    assert 0.3 <= result.duration < 1.5


async def test_http_without_free_descriptors_is_a_local_error(
    closed_port: int,
    no_more_descriptors: Callable[[], AbstractContextManager[None]],
) -> None:
    with no_more_descriptors():
        result = await ask_in_task(closed_port, HttpProbe())
    assert result.reason is Reason.LOCAL_ERROR
    assert result.detail == "connecting: Too many open files"
