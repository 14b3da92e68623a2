"""One reply over HTTP/2, frame by frame: what is understood, and how each fault is named."""

from __future__ import annotations

import pytest

from checks.definition.result import Reason
from checks.io.attempt import ProbeFailedError
from checks.probes.http2 import Exchange
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
    SETTINGS,
    STATUS_200,
    WINDOW_UPDATE,
    fields,
    frame,
)

HEAD = BEGUN + frame(HEADERS, END_HEADERS, 1, STATUS_200)
PADDED, ACKNOWLEDGES = 0x8, 0x1

# An entry of 4,056 bytes for the dynamic table, which has room for it and the 32 that it costs,
# and then 10,000 times the one byte that stands for it: 40 MB (RFC 7541, sections 4.1 and 6).
LARGE_FIELD = b"\x40\x01a" + b"\x7f\xd8\x1e" + b"x" * 4055
BOMB = LARGE_FIELD + b"\xbe" * 10_000


def asked(method: str = "GET", body: bytes = b"") -> Exchange:
    names = (":method", method), (":scheme", "https"), (":path", "/"), (":authority", "a")
    return Exchange(names, body)


def test_a_request_forbids_pushes_and_its_body_follows() -> None:
    """RFC 9113, section 3.4: the preface and SETTINGS, among them ENABLE_PUSH (2) at 0."""
    sent = asked("POST", b"x=1").to_send()
    assert sent[:24] == b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    assert sent[27] == SETTINGS
    assert b"\0\2\0\0\0\0" in [sent[at : at + 6] for at in range(33, 33 + sent[26], 6)]
    assert sent.endswith(frame(DATA, END_STREAM, 1, b"x=1"))


def test_a_reply_that_comes_byte_by_byte_is_the_same_reply() -> None:
    interim = frame(HEADERS, END_HEADERS, 1, fields((b":status", b"103")))
    found = fields((b"location", b"/there"))
    reply = BEGUN + interim + frame(HEADERS, END_HEADERS, 1, STATUS_200 + found)
    exchange = asked()
    for byte in reply + frame(DATA, PADDED, 1, b"\2ready\0\0") + frame(DATA, END_STREAM, 1):
        assert not exchange.ended
        exchange.feed(bytes([byte]))
    assert exchange.ended
    assert (exchange.status, exchange.location, bytes(exchange.body)) == (200, "/there", b"ready")


def test_the_reply_to_a_head_ends_with_its_headers() -> None:
    exchange = asked("HEAD")
    length = fields((b"content-length", b"1000"))
    exchange.feed(BEGUN + frame(HEADERS, END_HEADERS | END_STREAM, 1, STATUS_200 + length))
    assert exchange.ended
    assert exchange.body == b""


def test_room_for_more_of_the_body_is_given_until_it_is_as_long_as_is_read() -> None:
    """Both windows begin at 65,535 bytes (RFC 9113, section 6.9.2), one less than is read."""
    exchange = asked()
    exchange.feed(HEAD)
    exchange.to_send()
    given = b""
    for _ in range(4):
        assert not exchange.ended
        exchange.feed(frame(DATA, 0, 1, bytes(16_384)))
        given += exchange.to_send()
    assert given.count(bytes((0, 0, 4, WINDOW_UPDATE))) >= 2
    assert exchange.ended
    assert len(exchange.body) == 65_536


def test_what_follows_a_whole_reply_does_not_matter() -> None:
    exchange = asked()
    whole = HEAD + frame(DATA, END_STREAM, 1, b"ready")
    exchange.feed(whole + frame(GOAWAY, 0, 0, b"\0\0\0\1\0\0\0\0"))
    assert exchange.ended


def test_settings_and_pings_are_acknowledged() -> None:
    exchange = asked()
    exchange.to_send()
    exchange.feed(BEGUN + frame(PING, 0, 0, b"12345678"))
    assert exchange.to_send() == (
        frame(SETTINGS, ACKNOWLEDGES, 0) + frame(PING, ACKNOWLEDGES, 0, b"12345678")
    )


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (b"HTTP/1.1 400 Bad\r\n", "the data begins with b'HTTP/1.1 '"),
        (frame(PING, 0, 0, bytes(8)), "the data begins with b"),
        (BEGUN + b"\xff\xff\xff" + bytes(262_144), "all its frames together exceed 262144"),
        (BEGUN + frame(PING, 0, 0, bytes(7)), ""),
        (BEGUN + frame(DATA, 0, 1, b"x"), ""),
        (BEGUN + frame(HEADERS, END_HEADERS, 3, STATUS_200), ""),
        (BEGUN + frame(HEADERS, END_HEADERS, 1, b"\xff\xff\xff\xff"), ""),
        (BEGUN + frame(HEADERS, END_HEADERS, 1, fields((b"a", b"b"))), ""),
        (BEGUN + frame(HEADERS, END_HEADERS, 1, STATUS_200 * 2), ""),
        (
            BEGUN + frame(HEADERS, END_HEADERS, 1, fields((b":status", b"20"))),
            "status 20",
        ),
        (HEAD + frame(DATA, PADDED, 1, b"\x09x"), ""),
        (
            BEGUN
            + frame(HEADERS, END_HEADERS, 1, STATUS_200 + fields((b"content-length", b"9")))
            + frame(DATA, END_STREAM, 1, b"short"),
            "",
        ),
        (HEAD + frame(PUSH, END_HEADERS, 1, b"\0\0\0\2\x82"), ""),
        (HEAD + frame(WINDOW_UPDATE, 0, 1, bytes(4)), ""),
        (BEGUN + frame(SETTINGS, 0, 0, b"\0\4\xff\xff\xff\xff"), ""),
        (
            BEGUN + frame(HEADERS, 0, 1, STATUS_200) + frame(CONTINUATION, 0, 1) * 100,
            "",
        ),
        (BEGUN + frame(HEADERS, END_HEADERS, 1, STATUS_200 + BOMB), ""),
        (HEAD + frame(DATA, 0, 1) * 20_000, "more than 2000 frames"),
    ],
)
def test_what_is_no_reply_is_named(data: bytes, detail: str) -> None:
    with pytest.raises(ProbeFailedError) as caught:
        asked().feed(data)
    assert caught.value.reason is Reason.PROTOCOL
    assert caught.value.detail.startswith(f"not an HTTP/2 reply: {detail}")


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (
            HEAD + frame(RST_STREAM, 0, 1, b"\0\0\0\7"),
            "the server reset the stream: REFUSED_STREAM",
        ),
        (
            HEAD + frame(RST_STREAM, 0, 1, b"\0\0\1\0"),
            "the server reset the stream: error 256",
        ),
        (
            BEGUN + frame(GOAWAY, 0, 0, b"\0\0\0\0\0\0\0\x0b"),
            "the server ended the connection: ENHANCE_YOUR_CALM",
        ),
    ],
)
def test_a_server_that_gives_up_says_why(data: bytes, detail: str) -> None:
    with pytest.raises(ProbeFailedError) as caught:
        asked().feed(data)
    assert (caught.value.reason, caught.value.detail) == (Reason.RESET, detail)


def test_the_end_of_the_connection_does_not_end_a_reply() -> None:
    """As it may in HTTP/1: here only END_STREAM does (RFC 9113, section 8.1)."""
    exchange = asked()
    exchange.feed(HEAD + frame(DATA, 0, 1, b"ready"))
    with pytest.raises(ProbeFailedError, match="reading the body: connection closed without"):
        exchange.finish("reading the body")
