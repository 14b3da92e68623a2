"""The options of the HTTP probe for requests, redirects and expectations of a body."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from checks.definition.option_types import JsonScalar
from checks.definition.options import HttpProbe
from checks.definition.result import Reason
from tests.lab.probes.asking import ask

Serve = Callable[..., AbstractAsyncContextManager[int]]
Answer = Callable[..., AbstractAsyncContextManager[int]]
Site = Callable[[bytes], bytes]

ABC_SHA256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def redirect(status: int, location: str) -> bytes:
    head = f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    return head.encode("latin-1")


def site(pages: dict[str, bytes], requests: list[bytes]) -> Callable[..., Awaitable[None]]:
    """A server with these pages by request line, which records the requests."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        length = request.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        requests.append(request + await reader.readexactly(int(length or 0)))
        writer.write(pages[request.decode().partition(" HTTP/")[0]])

    return handle


async def test_a_body_that_exceeds_the_socket_buffers_is_sent_in_parts(serve: Serve) -> None:
    """The server also sends a long body, and the probe expects its last bytes."""
    body, requests = b"y" * 8_000_000, list[bytes]()
    options = HttpProbe(method="POST", body=body, expect_body="xend$")
    async with serve(site({"POST /": ok(b"x" * 30_000 + b"end")}, requests)) as port:
        result = await ask(port, options)
    assert result.passed, result
    assert requests[0].endswith(b"\r\n\r\n" + body)


async def test_a_post_has_its_body_headers_and_credentials(serve: Serve) -> None:
    requests: list[bytes] = []
    options = HttpProbe(
        method="POST",
        path="/login",
        body=b"a=b",
        headers=(("user-agent", "probe/2"), ("X-Tenant", "7")),
        username="Aladdin",
        password="open sesame",
    )
    async with serve(site({"POST /login": ok(b"")}, requests)) as port:
        assert (await ask(port, options)).passed
    head, _, body = requests[0].partition(b"\r\n\r\n")
    assert body == b"a=b"
    assert set(head.decode().split("\r\n")) == {
        "POST /login HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "user-agent: probe/2",
        "X-Tenant: 7",
        "Accept: */*",
        "Accept-Encoding: identity",
        "Connection: close",
        "Content-Length: 3",
        "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",  # RFC 7617, section 2
    }


async def test_the_reply_to_a_head_has_no_body(answer: Answer) -> None:
    """Its Content-Length is that of a GET (RFC 9110 section 9.3.2)."""
    async with answer(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", "hang") as port:
        result = await ask(port, HttpProbe(method="HEAD"))
    assert result.passed, result


async def test_an_informational_reply_is_skipped(answer: Answer) -> None:
    async with answer(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok(b"abc")) as port:
        result = await ask(port, HttpProbe(expect_body="^abc$"))
    assert result.passed, result


async def test_redirects_are_followed_within_the_server(serve: Serve) -> None:
    """Relative and absolute, with a query, and with bytes that are invalid in a URL."""
    requests: list[bytes] = []
    pages = {
        "GET /": redirect(302, "a?x=1"),
        "GET /a?x=1": redirect(301, "http://web.example/\xe9t\xe9"),
        "GET /%C3%A9t%C3%A9": ok(b"here"),
    }
    async with serve(site(pages, requests)) as port:
        followed = await ask(port, HttpProbe(redirects=2, host="web.example", expect_body="here"))
        stopped = await ask(port, HttpProbe(redirects=1, host="web.example"))
    assert followed.passed, followed
    assert stopped.reason is Reason.STATUS
    assert stopped.detail == "status 301, expected 200"


@pytest.mark.parametrize(("status", "method"), [(303, "GET"), (307, "POST")])
async def test_the_status_decides_whether_a_redirected_post_becomes_a_get(
    serve: Serve, status: int, method: str
) -> None:
    requests: list[bytes] = []
    pages = {"POST /": redirect(status, "/next"), f"{method} /next": ok(b"")}
    async with serve(site(pages, requests)) as port:
        result = await ask(port, HttpProbe(method="POST", redirects=1))
    assert result.passed, result


@pytest.mark.parametrize(
    "location",
    ["http://other.example/", "https://127.0.0.1/", "//127.0.0.1:1/", "http://127.0.0.1/"],
)
async def test_a_redirect_to_another_server_is_not_followed(answer: Answer, location: str) -> None:
    async with answer(redirect(302, location)) as port:
        result = await ask(port, HttpProbe(redirects=3, expect_status=((302, 302),)))
    assert result.reason is Reason.STATUS
    assert result.detail == f"redirects to {location}, which is another server"


async def test_an_invalid_redirect_is_named(answer: Answer) -> None:
    async with answer(redirect(302, "http://[")) as port:
        result = await ask(port, HttpProbe(redirects=1))
    assert result.reason is Reason.PROTOCOL
    assert result.detail.startswith("redirects to http://[: ")


async def test_a_redirect_loop_ends(answer: Answer) -> None:
    async with answer(redirect(302, "/")) as port:
        result = await ask(port, HttpProbe(redirects=10))
    assert (result.reason, result.detail) == (Reason.STATUS, "status 302, expected 200")


async def test_the_digest_of_the_body_is_compared(answer: Answer) -> None:
    options = HttpProbe(expect_sha256=ABC_SHA256)
    async with answer(ok(b"abc")) as port:
        same = await ask(port, options)
    async with answer(ok(b"")) as port:
        other = await ask(port, options)
    assert same.passed, same
    assert other.reason is Reason.BODY
    assert other.detail == (
        "body of 0 bytes has the SHA-256"
        " e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )


async def test_the_md5_of_the_body_is_compared(answer: Answer) -> None:
    options = HttpProbe(expect_md5="900150983cd24fb0d6963f7d28e17f72")
    async with answer(ok(b"abc")) as port:
        same = await ask(port, options)
    async with answer(ok(b"")) as port:
        other = await ask(port, options)
    assert (same.passed, same.detail) == (True, "expected status and body")
    assert other.reason is Reason.BODY
    assert other.detail == "body of 0 bytes has the MD5 d41d8cd98f00b204e9800998ecf8427e"


@pytest.mark.parametrize(
    ("options", "body", "fault"),
    [
        ({"expect_not": "error"}, b"ready", None),
        (
            {"expect_not": "err.r"},
            b"an error",
            "body of 8 bytes matches /err.r/, which must not occur",
        ),
        ({"expect_body": "ok", "expect_offset_min": 3}, b"ok ok", None),
        (
            {"expect_body": "ok", "expect_offset_min": 4},
            b"ok ok",
            "body of 5 bytes does not match /ok/ from byte 4",
        ),
        ({"expect_body": "ok$", "expect_offset_max": 3}, b"no ok", None),
        (
            {"expect_body": "ok$", "expect_offset_max": 2},
            b"no ok",
            "body of 5 bytes does not match /ok$/ to byte 2",
        ),
        (
            {"expect_body": "^ok", "expect_offset_min": 3, "expect_offset_max": 3},
            b"no ok",
            "body of 5 bytes does not match /^ok/ from byte 3 to byte 3",
        ),
        ({"expect_body": "(?<=no )ok", "expect_offset_min": 3}, b"no ok", None),
        # The offsets are bytes: each of these letters has two.
        ({"expect_body": "ok", "expect_offset_min": 4}, "\u00e4\u00e4ok".encode(), None),
        ({"expect_body": "ok", "expect_offset_max": 4}, "\u00e4\u00e4ok".encode(), None),
        (
            {"expect_body": "ok", "expect_offset_max": 3},
            "\u00e4\u00e4ok".encode(),
            "body of 6 bytes does not match /ok/ to byte 3",
        ),
        ({"expect_not": "ok", "expect_offset_min": 1}, b"ok", None),
        ({"expect_body": "ok", "expect_offset_min": 9}, b"", "body of 0 bytes does not match /ok/"),
    ],
)
async def test_a_pattern_may_be_forbidden_or_have_to_begin_within_offsets(
    answer: Answer, options: dict[str, Any], body: bytes, fault: str | None
) -> None:
    async with answer(ok(body)) as port:
        result = await ask(port, HttpProbe(**options))
    if fault is None:
        assert result.passed, result
    else:
        assert result.reason is Reason.BODY
        assert result.detail.startswith(fault), result


@pytest.mark.parametrize(
    ("body", "path", "expected", "fault"),
    [
        (b'{"a": [{"b": "up"}]}', "a.0.b", "up", None),
        (b'{"ready": true, "n": 1.5}', "n", 1.5, None),
        (b'{"ready": 1}', "ready", True, "JSON ready is 1, expected true"),
        (b'{"ready": "ok"}', "state", "ok", "JSON has no value at state"),
        (b'{"a": [1]}', "a.1", 1, "JSON has no value at a.1"),
        (b"3", "a", 1, "JSON has no value at a"),
        (b'{"a": null}', "a", 0, "JSON a is null, expected 0"),
        (b"\xff", "a", 1, "body of 1 bytes is not JSON: "),
        (b"[" * 60000, "0", 1, "body of 60000 bytes is not JSON: "),
        (b"1" * 5000, "0", 1, "body of 5000 bytes is not JSON: "),
    ],
)
async def test_a_json_value_is_compared(
    answer: Answer, body: bytes, path: str, expected: JsonScalar, fault: str | None
) -> None:
    async with answer(ok(body)) as port:
        result = await ask(port, HttpProbe(expect_json=((path, expected),)))
    assert result.reason is (Reason.BODY if fault else Reason.PASSED), result
    assert result.detail.startswith(fault or "expected status and body")
