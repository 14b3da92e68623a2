"""The gRPC probe against the server of gRPC, and against bad servers."""

import asyncio
import contextlib
import struct
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager

import pytest

from checks.definition.options import GrpcProbe
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
    PING,
    PUSH,
    RST_STREAM,
    STATUS_200,
    WINDOW_UPDATE,
    fields,
    frame,
    header_block,
    long_field,
)
from tests.lab.probes.processes import server

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Serve = Callable[..., AbstractAsyncContextManager[int]]

LATE = "no answer within 0.3 s while waiting for the reply"


@contextlib.contextmanager
def real_server(*files: str) -> Iterator[int]:
    program = [sys.executable, "-m", "tests.lab.probes.grpc_server"]
    with server(lambda port: [*program, str(port), *files]) as port:
        yield port


async def test_grpc_passes_if_the_service_is_serving() -> None:
    with real_server() as port:
        whole = await ask(port, GrpcProbe())
        up = await ask(port, GrpcProbe(service="up.Service"))
        down = await ask(port, GrpcProbe(service="down.Service"))
        nowhere = await ask(port, GrpcProbe(service="nowhere"))
    assert (whole.reason, whole.detail) == (Reason.PASSED, "SERVING")
    assert up.passed, up
    assert (down.reason, down.detail) == (Reason.STATUS, "NOT_SERVING, expected SERVING")
    assert nowhere.reason is Reason.STATUS
    assert nowhere.detail.startswith("grpc-status 5 NOT_FOUND")


async def test_grpc_works_over_tls(authority: Authority) -> None:
    authority.server("grpc", GOOD_NAMES)
    files = (str(authority.folder / "grpc.key"), str(authority.folder / "grpc.pem"))
    with real_server(*files) as port:
        good = await ask(port, GrpcProbe(tls=True, tls_ca_file=authority.file))
        other = GrpcProbe(tls=True, tls_ca_file=authority.file, host="other.example")
        misnamed = await ask(port, other)
        clear = await ask(port, GrpcProbe())
    assert (good.reason, good.detail) == (Reason.PASSED, "SERVING")
    assert good.warning.startswith("the certificate expires in 0 days")
    assert misnamed.reason is Reason.TLS
    assert misnamed.detail.startswith("certificate: Hostname mismatch")
    assert clear.reason in {Reason.PROTOCOL, Reason.RESET}, clear


async def test_grpc_requires_that_the_server_selects_http_2(
    serve: Serve, endings: dict[str, Handler], authority: Authority
) -> None:
    async with serve(endings["hang"], authority.server("good", GOOD_NAMES)) as port:
        result = await ask(port, GrpcProbe(tls=True, tls_ca_file=authority.file))
    assert (result.reason, result.detail) == (
        Reason.TLS,
        "TLS: the server did not select h2 (ALPN)",
    )


async def test_grpc_sends_the_bytes_of_the_protocol(serve: Serve) -> None:
    """The preface, and a message with field 1, of wire type 2: the name (protobuf encoding)."""
    heard: list[bytes] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(4096))

    async with serve(hear) as port:
        await ask(port, GrpcProbe(service="web"))
    assert heard[0].startswith(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    assert heard[0].endswith(frame(DATA, END_STREAM, 1, b"\0\0\0\0\5\x0a\3web"))


GRPC = (b"content-type", b"application/grpc")
HEAD = BEGUN + frame(HEADERS, END_HEADERS, 1, STATUS_200 + fields(GRPC))
GOOD_END = frame(HEADERS, END_HEADERS | END_STREAM, 1, fields((b"grpc-status", b"0")))


def message(data: bytes) -> bytes:
    return frame(DATA, 0, 1, b"\0" + struct.pack("!I", len(data)) + data)


def failing(code: bytes, words: bytes) -> bytes:
    """A reply that consists of trailers only."""
    status = fields(GRPC, (b"grpc-status", code), (b"grpc-message", words))
    return BEGUN + frame(HEADERS, END_HEADERS | END_STREAM, 1, STATUS_200 + status)


@pytest.mark.parametrize(
    ("words", "ending", "reason", "detail"),
    [
        (HEAD + message(b"\x08\1") + GOOD_END, "hang", Reason.PASSED, "SERVING"),
        (HEAD + message(b"") + GOOD_END, "hang", Reason.STATUS, "UNKNOWN, expected SERVING"),
        (HEAD + message(b"\x08\3") + GOOD_END, "hang", Reason.STATUS, "SERVICE_UNKNOWN, exp"),
        (HEAD + message(b"\x08\x81\1") + GOOD_END, "hang", Reason.STATUS, "status 129, expected"),
        (failing(b"12", b"no%20such%0Acall"), "hang", Reason.STATUS, "grpc-status 12 UNIMPLEM"),
        (failing(b"99", b"\xff\xfe"), "hang", Reason.STATUS, "grpc-status 99: "),
        (BEGUN, "hang", Reason.TIMEOUT, LATE),
        (BEGUN, "drip", Reason.TIMEOUT, LATE),
        (HEAD + message(b"\x08\1"), "hang", Reason.TIMEOUT, LATE),
        (HEAD + message(b"\x08\1"), "close", Reason.PROTOCOL, "waiting for the reply: connection"),
        (HEAD + message(b"\x08\1"), "reset", Reason.RESET, "waiting for the reply: Connection"),
        (b"", "flood", Reason.PROTOCOL, "not an HTTP/2 reply: the data begins with b'xxxxxxxxx'"),
        (b"HTTP/1.1 400 Bad\r\n", "hang", Reason.PROTOCOL, "not an HTTP/2 reply: the data"),
        (b"SSH-2.0-OpenSSH\r\n", "hang", Reason.PROTOCOL, "not an HTTP/2 reply: the data"),
        (
            BEGUN + frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x8d"),
            "hang",
            Reason.STATUS,
            "HTTP status 404, expected 200",
        ),
        (
            BEGUN + frame(HEADERS, END_HEADERS, 1, fields((b":status", b"abc"))),
            "hang",
            Reason.PROTOCOL,
            "not an HTTP/2 reply: status abc",
        ),
        (
            BEGUN + frame(HEADERS, END_HEADERS | END_STREAM, 1, STATUS_200),
            "hang",
            Reason.PROTOCOL,
            "not a gRPC reply: the content-type is missing",
        ),
        (
            HEAD + frame(DATA, END_STREAM, 1),
            "hang",
            Reason.PROTOCOL,
            "not a gRPC reply: the header field grpc-status is missing",
        ),
        (HEAD + GOOD_END, "hang", Reason.PROTOCOL, "not a gRPC reply: the body of 0 bytes"),
        (
            HEAD + frame(DATA, 0, 1, b"\0\0\0\0\x63\x08\1") + GOOD_END,
            "hang",
            Reason.PROTOCOL,
            "not a gRPC reply: the body of 7 bytes is not exactly one message",
        ),
        (
            HEAD + message(b"\x08" + b"\xff" * 12) + GOOD_END,
            "hang",
            Reason.PROTOCOL,
            "not a gRPC reply: the message ends within a varint",
        ),
        (
            HEAD + message(b"\x12\1x") + GOOD_END,
            "hang",
            Reason.PROTOCOL,
            "not a gRPC reply: the message contains the unknown key 18",
        ),
        (HEAD + frame(RST_STREAM, 0, 1, b"\0\0\0\7"), "hang", Reason.RESET, "the server reset"),
        (
            BEGUN + frame(GOAWAY, 0, 0, b"\0\0\0\0\0\0\0\x0b"),
            "hang",
            Reason.RESET,
            "the server ended the connection: ENHANCE_YOUR_CALM",
        ),
        (BEGUN + frame(PING, 0, 0, bytes(8)) * 16_000, "hang", Reason.PROTOCOL, "not an HTTP/2 re"),
        (
            BEGUN + frame(HEADERS, 0, 1, STATUS_200) + frame(CONTINUATION, 0, 1) * 1000,
            "hang",
            Reason.PROTOCOL,
            "not an HTTP/2 reply: ",
        ),
        (
            BEGUN + header_block(STATUS_200 + fields(GRPC) + long_field(60_000) * 2),
            "hang",
            Reason.PROTOCOL,
            "not an HTTP/2 reply: Oversized header block",
        ),
        (HEAD + frame(DATA, 0, 1, bytes(16_000)) * 5, "hang", Reason.PROTOCOL, "not a gRPC reply"),
        (
            BEGUN + frame(WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff"),
            "hang",
            Reason.PROTOCOL,
            "not an HTTP/2 reply: ",
        ),
        (
            HEAD + frame(PUSH, END_HEADERS, 1, b"\0\0\0\2\x82"),
            "hang",
            Reason.PROTOCOL,
            "not an HTTP/2 reply: ",
        ),
    ],
)  # fmt: skip
async def test_grpc_names_the_fault_of_a_bad_server(  # noqa: PLR0917 - pytest gives names
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
        await asyncio.sleep(0.02)
        await endings[ending](reader, writer)

    async with serve(reply) as port:
        result = await ask(port, GrpcProbe(), timeout=time_for(reason))
    assert result.reason is reason, result
    assert result.detail.startswith(detail), result
    assert result.detail.isprintable()
    assert result.duration < 1.5
