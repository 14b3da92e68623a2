"""Each reader of a source refuses wrong answers with a reason, and then reads a good one."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hadirector.model.discovery import Member, Source
from hadirector.sources.contents import Content
from hadirector.sources.errors import ReadingError
from hadirector.sources.reading import make_reader, read_source
from tests.lab.probes.certificates import made_in
from tests.lab.registry_stub import Registry, running_registry
from tests.lab.wrong_server import answering_wrongly

OK = b"HTTP/1.1 200 OK\r\n"
ANSWERS = {
    "silent": ((), "no answer within 0.3 s"),
    "slow": ((OK, b"\r\n", *[b" "] * 20), "no answer within 0.3 s"),
    "slow in its headers": ((OK, *[b"X: 1\r\n"] * 20), "no answer within 0.3 s"),
    "empty": ((OK + b"Content-Length: 0\r\n\r\n",), "Input data was truncated"),
    "cut off": ((OK + b"Content-Length: 99\r\n\r\n{",), "Not enough data"),
    "without an answer": ((b"\r\n",), "."),
    "html": ((OK + b"\r\n<html>",), "JSON is malformed"),
    "another type": ((OK + b"\r\n7",), "got `int`"),
    "500": ((b"HTTP/1.1 500 E\r\n\r\n",), "HTTP status 500, expected 200"),
    "explained": (
        (b'HTTP/1.1 403 F\r\n\r\n{"message": "no\\u001b right"}',),
        "HTTP status 403, expected 200: no  right",
    ),
    "redirecting": ((b"HTTP/1.1 302 F\r\nLocation: /x\r\n\r\n",), "HTTP status 302"),
    "huge": ((OK + b"\r\n" + b"[" + b" " * (5 << 20),), "more than 4194304 bytes"),
    "huge in its headers": ((OK + b"X: " + b"x" * (1 << 20),), "."),
}
TYPES = {
    "http": {},
    "etcd": {"prefix": "/web/"},
    "kubernetes": {"service": "web", "namespace": "web", "port_name": "http"},
    "consul": {"service": "web"},
}


def make_source(kind: str, url: str, **fields: object) -> Source:
    values = {"timeout": 0.3, **TYPES[kind], **fields}
    return Source(name="a", type=kind, location=url, **values)  # type: ignore[arg-type]  # the types of the fields differ


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("case", ANSWERS)
async def test_a_wrong_answer_is_no_list(kind: str, case: str) -> None:
    pieces, reason = ANSWERS[case]
    with answering_wrongly(*pieces) as server:
        reader = make_reader(make_source(kind, server.url))
        began = time.monotonic()
        with pytest.raises(ReadingError, match=reason):
            await read_source(reader)
        assert time.monotonic() - began < 1.5


@pytest.mark.parametrize("kind", TYPES)
async def test_a_server_that_is_down_is_no_list(kind: str) -> None:
    with pytest.raises(ReadingError, match="Connect call failed"):
        await read_source(make_reader(make_source(kind, "http://127.0.0.1:1")))


async def test_only_a_trusted_certificate_is_accepted(tmp_path: Path) -> None:
    authority = made_in(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.sign("server", "server", "IP:127.0.0.1"))
    good = OK + b'\r\n{"members": [{"address": "127.0.41.1"}]}'
    with answering_wrongly(good, tls=context) as server:
        with pytest.raises(ReadingError, match="certificate verify failed"):
            await read_source(make_reader(make_source("http", server.url, timeout=3.0)))
        trusting = make_source("http", server.url, ca_file=str(authority.file), timeout=3.0)
        assert await read_source(make_reader(trusting)) == (Member("127.0.41.1"),)
        assert len(server.requests) == 1  # no request, and so no token, without trust


@pytest.fixture
def registry() -> Iterator[Registry]:
    with running_registry() as running:
        running.set(a1="in", a2="in")
        yield running


FIRST = (Member("127.0.41.1", 8080), Member("127.0.41.2", 8080))


def bare(members: Content | None) -> list[tuple[str, int, bool]]:
    assert isinstance(members, tuple)
    return [(member.address, member.port, member.leaving) for member in members]


async def test_kubernetes_is_watched_and_listed_again_when_the_past_is_forgotten(
    registry: Registry, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("first\n")
    reader = make_reader(make_source("kubernetes", registry.url, token_file=str(token)))
    assert await read_source(reader) == (
        Member("127.0.41.1", 8080, "uid-127.0.41.1"),
        Member("127.0.41.2", 8080, "uid-127.0.41.2"),
    )
    token.write_text("second\n")
    registry.set(a1="in", a2="draining")
    expected = [("127.0.41.1", 8080, False), ("127.0.41.2", 8080, True)]
    assert bare(await read_source(reader)) == expected
    registry.set(a3="in")
    registry.forget()
    assert bare(await read_source(reader)) == [("127.0.41.3", 8080, False)]
    assert registry.tokens == ["Bearer first", "Bearer second", "Bearer second", "Bearer second"]
    watches = [asked.get("resourceVersion") for _, asked in registry.requests]
    assert watches == [None, "11", "12", None]


async def test_consul_is_asked_once_a_second_and_with_its_index(registry: Registry) -> None:
    reader = make_reader(make_source("consul", registry.url))
    assert bare(await read_source(reader)) == [
        ("127.0.41.1", 8080, False),
        ("127.0.41.2", 8080, False),
    ]
    assert 0.5 < reader.rest <= 1.0
    registry.set(a1="critical", a2="maintenance")
    assert bare(await read_source(reader)) == [("127.0.41.2", 8080, True)]
    registry.version = 5  # the servers were restored from a backup
    await read_source(reader)
    await read_source(reader)
    assert [asked.get("index") for _, asked in registry.requests] == [None, "11", "12", None]


async def test_a_web_server_can_hold_a_request(registry: Registry) -> None:
    reader = make_reader(make_source("http", f"{registry.url}/document", wait=1.0))
    assert await read_source(reader) == FIRST
    assert reader.rest < 0.3
    began = time.monotonic()
    assert await read_source(reader) is None
    assert time.monotonic() - began > 0.9
    assert reader.rest < 0.3
    registry.set(a1="in")
    assert await read_source(reader) == FIRST[:1]


async def test_a_url_is_asked_for_as_it_is_written(registry: Registry) -> None:
    """A server may answer ``/members`` with a redirection to ``/members/``."""
    reader = make_reader(make_source("http", f"{registry.url}/document/"))
    with pytest.raises(ReadingError):
        await read_source(reader)


async def test_a_web_server_that_does_not_hold_a_request_is_not_asked_again_at_once() -> None:
    unchanged = b'HTTP/1.1 200 OK\r\nETag: "1"\r\n\r\n{"members": [{"address": "127.0.41.1"}]}'
    with answering_wrongly(unchanged) as server:
        reader = make_reader(make_source("http", server.url, wait=1.0, poll=7.0))
        await read_source(reader)
        server.pieces = (b"HTTP/1.1 304 N\r\n\r\n",)
        assert await read_source(reader) is None
        assert reader.rest == 7.0


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: None, "No such file"),
        (lambda path: path.mkdir(), "Is a directory"),
        (os.mkfifo, "not a regular file"),
        (lambda path: path.write_bytes(b""), "Input data was truncated"),
        (lambda path: path.write_bytes(b'{"members": ['), "Input data was truncated"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "not a document"),
        (lambda path: path.write_bytes(b" " * (5 << 20)), "more than 4194304 bytes"),
    ],
    ids=["missing", "directory", "pipe", "empty", "cut off", "wrong type", "huge"],
)
async def test_a_wrong_file_is_no_list(tmp_path: Path, make: object, reason: str) -> None:
    path = tmp_path / "members"
    make(path)  # type: ignore[operator]  # each makes the path in its way
    with pytest.raises(ReadingError, match=reason):
        await read_source(make_reader(Source(name="a", type="file", location=str(path))))
