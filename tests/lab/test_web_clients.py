"""Clients that are slow, many or gone: what the web process does with them, and what others see."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.lab.loopback import memory
from tests.lab.web_director import Site
from tests.waiting import eventually_async

HALF_BODY = (
    b"POST /v1/reload HTTP/1.1\r\nHost: lb1\r\nAuthorization: Bearer admin\r\n"
    b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
)
HALF_HEAD = b"GET /v1/status HTTP/1.1\r\nHost: lb1\r\n"
LIMIT_SECONDS = 5.0
SLACK_SECONDS = 4.0


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with Site.running(tmp_path) as made:
        yield made


async def seconds_until_closed(site: Site, text: bytes, again: bytes = b"") -> float:
    """Send a text, and then another one every second; return when the connection has ended."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    began = time.monotonic()
    writer.write(text)
    reading = asyncio.create_task(reader.read())
    while not reading.done():
        await asyncio.wait([reading], timeout=1.0)
        if again and not reading.done():
            writer.write(again)
    lasted = time.monotonic() - began
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return lasted


async def test_unfinished_requests_end_after_five_seconds(site: Site) -> None:
    assert await site.status_of("read") == 200
    found = await asyncio.gather(
        seconds_until_closed(site, b""),
        seconds_until_closed(site, HALF_HEAD),
        seconds_until_closed(site, HALF_HEAD, again=b"X-A: b\r\n"),
        seconds_until_closed(site, HALF_BODY),
        seconds_until_closed(site, HALF_BODY, again=b" "),
    )
    assert all(LIMIT_SECONDS - 1 < each < LIMIT_SECONDS + SLACK_SECONDS for each in found), found


async def test_a_hundred_half_bodies_delay_nobody(site: Site) -> None:
    """They wait at the rate limit of their actor, or for their body. Others are answered."""
    assert await site.status_of("read") == 200
    before = memory(int(str(site.director.pid("web"))))
    half = [asyncio.create_task(seconds_until_closed(site, HALF_BODY)) for _ in range(100)]
    await asyncio.sleep(1.0)
    began = time.monotonic()
    assert await site.status_of("read") == 200
    assert time.monotonic() - began < 2.0
    await asyncio.gather(*half)
    assert memory(int(str(site.director.pid("web")))) - before < 20_000
    assert site.director.restarts("web") == 0
    assert site.events("change_made") == []


async def test_bodies_that_are_too_large_or_too_many_are_refused(site: Site) -> None:
    async with site.client("admin") as client:
        async with client.post("/v1/handover", data=b" " * 70_000) as answer:
            assert answer.status == 413

        async def attempt() -> int:
            async with client.post("/v1/nothing", data=b"{") as answer:
                return answer.status

        statuses = await asyncio.gather(*(attempt() for _ in range(60)))
    assert set(statuses) == {404, 429}, "at most 20 changes of an actor at once"


async def read_events(client: aiohttp.ClientSession, count: int, **options: str) -> list[str]:
    """Return the lines of the first events of a stream, without ticks."""
    lines: list[str] = []
    headers = {"Accept": "text/event-stream", **options}
    async with client.get("/v1/events", params={"after": "0"}, headers=headers) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        while sum(line.startswith("id: ") for line in lines) <= count:
            line = (await answer.content.readline()).decode().rstrip("\n")
            lines.append(line)
    return lines


async def test_a_stream_continues_after_the_last_event(site: Site) -> None:
    await eventually_async(lambda: site.events("elections_began"), 10)
    async with site.client("read") as client:
        lines = await asyncio.wait_for(read_events(client, 2), 10)
        numbers = [line for line in lines if line.startswith("id: ")]
        assert numbers[:3] == ["id: 1", "id: 2", "id: 3"]
        first = json.loads(lines[lines.index("id: 1") + 1].removeprefix("data: "))
        assert (first["number"], first["name"]) == (1, "director_started")
        lines = await asyncio.wait_for(read_events(client, 0, **{"Last-Event-ID": "1"}), 10)
        assert [line for line in lines if line.startswith("id: ")] == ["id: 2"]


async def test_a_number_that_is_not_known_gives_a_gap(site: Site) -> None:
    await eventually_async(lambda: site.events("elections_began"), 10)
    async with site.client("read") as client:
        lines = await asyncio.wait_for(read_events(client, 1, **{"Last-Event-ID": "999"}), 10)
    at = lines.index("id: 0")
    assert lines[at : at + 3] == ["id: 0", "event: gap", 'data: {"missed":0,"last":0}']
    assert "id: 1" in lines


async def test_many_streams_get_an_event_from_one_follower(site: Site) -> None:
    """200 clients see the death of the real server; the director is asked by one of them only."""
    await eventually_async(site.director.answers, 10, threaded=True)
    seen = 0
    ready = asyncio.Semaphore(0)

    async def follow(client: aiohttp.ClientSession) -> None:
        nonlocal seen
        async with client.get("/v1/events", headers={"Accept": "text/event-stream"}) as answer:
            ready.release()
            while b'"name":"quorum_lost"' not in await answer.content.readline():
                pass
        seen += 1

    connector = aiohttp.TCPConnector(limit=0)
    headers = {"Authorization": "Bearer read"}
    async with aiohttp.ClientSession(site.url, headers=headers, connector=connector) as client:
        following = [asyncio.create_task(follow(client)) for _ in range(200)]
        for _ in following:
            await ready.acquire()
        began = time.monotonic()
        site.web_server.kill()
        async with asyncio.timeout(10):
            await asyncio.gather(*following)
    assert seen == 200
    assert time.monotonic() - began < 5.0
