"""Events in pages and as a stream, which continues after the last event of its client."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from hadirector.api.resources import event_stream, events
from tests.unit.api.served import Served, serve

HEAD = b"GET /v1/events?after=0 HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n"


class Stream:
    """A client of the stream."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    async def message(self) -> bytes:
        """Return the next message, without the frame of the transfer coding."""
        async with asyncio.timeout(5.0):
            size = int(await self._reader.readline(), 16)
            text = await self._reader.readexactly(size + 2)
        return text[:-2]


@contextlib.asynccontextmanager
async def follow(served: Served, query: str = "", *headers: str) -> AsyncIterator[Stream]:
    reader, writer = await asyncio.open_unix_connection(served.path)
    lines = [f"GET /v1/events{query} HTTP/1.1", "Host: x", "Accept: text/event-stream", *headers]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Content-Type: text/event-stream" in head
    try:
        yield Stream(reader)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def note(served: Served, *names: str) -> None:
    for name in names:
        served.director.recorder.note("quorum_lost", virtual_server=name)


async def test_a_stream_begins_with_the_overview_and_sends_each_event(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        note(served, "old")
        async with follow(served) as stream:
            greeting = await stream.message()
            assert greeting.startswith(b"retry: 2000\nevent: overview\ndata: ")
            assert json.loads(greeting.split(b"data: ")[1]) == {"generation": 1, "last": 1}
            note(served, "web")
            first, _, rest = (await stream.message()).partition(b"\n")
            assert first == b"id: 2"
            assert json.loads(rest.removeprefix(b"data: "))["fields"] == {"virtual_server": "web"}


async def test_a_client_that_returns_gets_what_it_missed(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        note(served, "a", "b", "c")
        async with follow(served, "", "Last-Event-ID: 1") as stream:
            await stream.message()
            text = await stream.message()
            assert [line for line in text.splitlines() if line.startswith(b"id")] == [
                b"id: 2",
                b"id: 3",
            ]


async def test_lost_events_are_a_gap(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        note(served, *(["a"] * 2005))
        async with follow(served, "?after=3") as stream:
            await stream.message()
            text = await stream.message()
            assert text.startswith(b'id: 5\nevent: gap\ndata: {"missed":2,"last":5}\n\nid: 6\n')


async def test_numbers_that_started_again_are_a_gap(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        note(served, "a")
        async with follow(served, "", "Last-Event-ID: 700") as stream:
            await stream.message()
            assert b'event: gap\ndata: {"missed":0,"last":1}' in await stream.message()


async def test_a_quiet_stream_has_a_heartbeat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "HEARTBEAT_SECONDS", 0.01)
    async with serve(tmp_path) as served, follow(served) as stream:
        await stream.message()
        assert await stream.message() == b": heartbeat\n\n"
        assert await stream.message() == b": heartbeat\n\n"


async def test_a_client_that_does_not_read_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connection holds only some of the events in buffers."""
    cut = asyncio.Event()

    async def watched(*arguments: Any, **options: Any) -> web.StreamResponse:
        try:
            return await event_stream.send_stream(*arguments, **options)
        except ConnectionResetError:
            cut.set()
            raise

    monkeypatch.setattr(event_stream, "WRITE_SECONDS_MAX", 0.1)
    monkeypatch.setattr(events, "send_stream", watched)
    async with serve(tmp_path) as served:
        for number in range(2000):
            served.director.recorder.note("quorum_lost", text="x" * 490, number=number)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(served.path))
            client.sendall(HEAD)
            async with asyncio.timeout(10.0):
                await cut.wait()
            received = 0
            with contextlib.suppress(ConnectionError):
                while piece := client.recv(65536):
                    received += len(piece)
    assert 0 < received < 600_000


async def test_events_are_selected_by_name_and_object(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        note(served, "web", "mail")
        served.director.recorder.note("quorum_reached", virtual_server="web")
        page = (await served.ask("GET", "/v1/events?object=web")).content
        assert [event["number"] for event in page["events"]] == [1, 3]
        assert page["last"] == 3
        page = (await served.ask("GET", "/v1/events?object=web&name=quorum_lost")).content
        assert [event["number"] for event in page["events"]] == [1]
        assert (await served.ask("GET", "/v1/events?since=0")).content["events"] == []
        assert len((await served.ask("GET", "/v1/events?since=60")).content["events"]) == 3
