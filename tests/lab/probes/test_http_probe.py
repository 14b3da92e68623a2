"""The HTTP probe against good web servers, and its requests."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest

from checks.definition.options import HttpProbe
from checks.definition.result import Reason
from checks.io import pattern
from tests.lab.probes.asking import ask

Serve = Callable[..., AbstractAsyncContextManager[int]]
Answer = Callable[..., AbstractAsyncContextManager[int]]


def ok(body: bytes, *headers: bytes) -> bytes:
    lines = [b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_http_passes_on_the_expected_status(answer: Answer, address: str) -> None:
    async with answer(ok(b"hello"), host=address) as port:
        result = await ask(port, HttpProbe(), address)
    assert result.reason is Reason.PASSED
    assert result.detail == "expected status"


@pytest.mark.parametrize(
    ("body", "regex"),
    [
        (b"status: ready\n", r"status: (ready|busy)"),
        ("größer".encode(), r"gr\wßer"),
        (b"\xff\xfe ok \x80", r"ok"),
        (b"x" * 65530 + b"needle and more", r"needle$"),
    ],
    ids=["plain", "utf-8", "not-utf-8", "within-64-KiB"],
)
async def test_http_passes_on_the_expected_body(answer: Answer, body: bytes, regex: str) -> None:
    async with answer(ok(body)) as port:
        result = await ask(port, HttpProbe(expect_body=regex))
    assert result.reason is Reason.PASSED, result
    assert result.detail == "expected status and body"


async def test_http_passes_on_a_chunked_body(answer: Answer) -> None:
    reply = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    async with answer(reply) as port:
        result = await ask(port, HttpProbe(expect_body="^abcde$"))
    assert result.reason is Reason.PASSED, result


async def test_http_passes_on_an_endless_body_that_matches_in_its_first_64_kib(
    answer: Answer,
) -> None:
    async with answer(b"HTTP/1.1 200 OK\r\n\r\n", "flood") as port:
        result = await ask(port, HttpProbe(expect_body="^x{65536}$"))
    assert result.reason is Reason.PASSED, result


async def test_each_request_follows_the_check_on_a_new_connection(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    requests: list[bytes] = []

    async def record(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(ok(b"", b"Set-Cookie: a=b"))
        assert await reader.read() == b""

    async with serve(record) as port:
        probe = HttpProbe(path="/healthz?deep=%20yes", host="web.example")
        assert (await ask(port, probe)).passed
        assert (await ask(port, HttpProbe(path="/"))).passed
    first, second = (request.decode().split("\r\n") for request in requests)
    assert first[0] == "GET /healthz?deep=%20yes HTTP/1.1"
    assert "Host: web.example" in first
    assert "Connection: close" in first
    assert "Accept-Encoding: identity" in first
    assert second[0] == "GET / HTTP/1.1"
    assert f"Host: 127.0.0.1:{port}" in second
    assert not any(line.startswith("Cookie") for line in second)


def test_a_search_leaves_no_timer_behind() -> None:
    """The timer must not interrupt other code."""
    assert pattern.search("b", "abc", "web")
    with pytest.raises(pattern.SearchTooLongError):
        pattern.search("(a+)+$", "a" * 40 + "b", "web")
    assert not pattern.search("x", "abc", "web")
