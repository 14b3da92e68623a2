"""The client of etcd reads, watches and changes the keys of a real etcd."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections.abc import Iterator

import pytest

from hadirector.sources.errors import RequestError
from hadirector.sources.etcd_client import CompactedError, EtcdClient
from hadirector.sources.etcd_messages import KeyValue
from tests.lab.etcd_server import EtcdServer
from tests.lab.wrong_server import answering_wrongly


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdServer]:
    with EtcdServer(tmp_path_factory.mktemp("etcd")) as running:
        yield running


@pytest.fixture
def client(server: EtcdServer) -> EtcdClient:
    return EtcdClient([server.url], timeout=2.0)


async def test_a_range_has_the_keys_and_their_revision(client: EtcdClient) -> None:
    assert (await client.range("/range/", prefix=True)).values == ()
    first = await client.write("/range/a", b"\x00\xff")
    second = await client.write("/range/b", b"2")
    await client.write("/rangf", b"3")
    found = await client.range("/range/", prefix=True)
    assert found.values == (
        KeyValue(b"/range/a", b"\x00\xff", first),
        KeyValue(b"/range/b", b"2", second),
    )
    assert found.header.revision == second + 1
    assert (await client.range("/range/b")).values == (KeyValue(b"/range/b", b"2", second),)
    assert await client.delete("/range/a") == second + 2
    assert (await client.range("/range/a")).values == ()


async def test_a_key_is_replaced_only_at_the_expected_revision(client: EtcdClient) -> None:
    created = await client.replace("/swap", b"1", expected=0)
    assert created is not None
    assert await client.replace("/swap", b"2", expected=0) is None
    changed = await client.replace("/swap", b"2", expected=created)
    assert changed == created + 1
    assert (await client.range("/swap")).values[0].value == b"2"
    assert await client.replace("/swap", None, expected=created) is None
    assert await client.replace("/swap", None, expected=changed) == changed + 1
    assert (await client.range("/swap")).values == ()


async def test_a_watch_returns_changes_before_and_after_its_begin(client: EtcdClient) -> None:
    before = await client.write("/watch/a", b"1")
    missed = await client.write("/watch/a", b"2")
    changes = await client.watch("/watch/", after=before, prefix=True)
    assert [event.changed.value for event in changes.events] == [b"2"]
    assert changes.revision == missed
    watching = asyncio.create_task(client.watch("/watch/", after=missed, prefix=True))
    await asyncio.sleep(0.2)
    began = time.monotonic()
    deleted = await client.delete("/watch/a")
    changes = await watching
    assert time.monotonic() - began < 0.3
    assert [(event.deleted, event.changed.key) for event in changes.events] == [(True, b"/watch/a")]
    assert changes.revision == deleted
    silent = await client.watch("/watch/", after=deleted, prefix=True, longest=0.3)
    assert (silent.events, silent.revision) == ((), deleted)


async def test_a_watch_since_a_compacted_revision_says_so(
    client: EtcdClient, server: EtcdServer
) -> None:
    await client.write("/old", b"1")
    revision = await client.write("/old", b"2")
    body = json.dumps({"revision": revision}).encode()
    await asyncio.to_thread(
        lambda: urllib.request.urlopen(f"{server.url}/v3/kv/compaction", body).close()
    )
    with pytest.raises(CompactedError):
        await client.watch("/old", after=1)


async def test_a_key_ends_with_its_lease(client: EtcdClient) -> None:
    lease = await client.grant(60)
    await client.write("/leased", b"1", lease=lease)
    assert (await client.range("/leased")).values[0].lease == lease
    assert await client.keep_alive(lease) == 60
    await client.revoke(lease)
    assert (await client.range("/leased")).values == ()
    assert await client.keep_alive(lease) == 0
    with pytest.raises(RequestError, match=r"HTTP status 404.*: .*lease not found"):
        await client.write("/leased", b"1", lease=lease)


async def test_the_next_member_is_asked_after_a_failure(server: EtcdServer) -> None:
    client = EtcdClient(["http://127.0.0.1:1", server.url], timeout=2.0)
    with pytest.raises(RequestError, match="Cannot connect"):
        await client.range("/any")
    assert (await client.range("/any")).values == ()


ANSWERS = {
    "silent": ((), "no answer within 0.3 s"),
    "html": ((b"HTTP/1.1 200 OK\r\n\r\n<html>",), "not an answer of etcd: JSON is malformed"),
    "another type": ((b"HTTP/1.1 200 OK\r\n\r\n[]",), "not an answer of etcd: Expected `object`"),
    "500": ((b"HTTP/1.1 500 E\r\n\r\n{}",), "HTTP status 500, expected 200"),
    "redirecting": ((b"HTTP/1.1 302 F\r\nLocation: /x\r\n\r\n",), "HTTP status 302, expected 200"),
    "cut off": ((b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{",), "Not enough data"),
    "huge": ((b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (5 << 20),), "more than 4194304 bytes"),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_a_wrong_answer_is_an_error_with_a_reason(name: str) -> None:
    sent, reason = ANSWERS[name]
    with answering_wrongly(*sent) as wrong:
        client = EtcdClient([wrong.url], timeout=0.3)
        with pytest.raises(RequestError, match=reason):
            await client.range("/any")


async def test_a_trickle_ends_at_the_timeout() -> None:
    created = b'HTTP/1.1 200 OK\r\n\r\n{"result":{"created":true}}\n'
    with answering_wrongly(created, *[b" "] * 20) as slow:
        client = EtcdClient([slow.url], timeout=0.3)
        began = time.monotonic()
        with pytest.raises(RequestError, match=r"no answer within 0.3 s"):
            await client.range("/any")
        with pytest.raises(RequestError, match=r"a line did not end within 0.3 s"):
            await client.watch("/any", after=1)
        assert time.monotonic() - began < 2.0
