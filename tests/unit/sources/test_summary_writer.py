"""Summaries are written one at a time, and a failure delays only the store that failed."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from hadirector.model.fleet import SummaryStore
from hadirector.processes.channel import Channel
from hadirector.sources.errors import RequestError
from hadirector.sources.messages import SummaryWritten, ToSources, WriteSummary
from hadirector.sources.summary_store import Summaries
from hadirector.sources.summary_writer import SummaryWriter
from tests.waiting import eventually_async

BAD = SummaryStore(type="http", url="http://bad")
GOOD = SummaryStore(type="http", url="http://good")


class Outcomes:
    """The end of a channel: the reports of the writer."""

    def __init__(self) -> None:
        self.reports: list[str] = []

    def send(self, message: SummaryWritten) -> None:
        self.reports.append(message.failure)


class FakeStore:
    """A store that refuses every summary, or keeps them."""

    written: list[bytes]

    def __init__(self, store: SummaryStore) -> None:
        self.store = store

    async def write(self, _name: str, text: bytes) -> None:
        if self.store == BAD:
            raise RequestError("refused")
        self.written.append(text)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    FakeStore.written = []

    def open_fake(store: SummaryStore) -> Summaries:
        return cast("Summaries", FakeStore(store))

    monkeypatch.setattr("hadirector.sources.summary_writer.open_store", open_fake)
    monkeypatch.setattr("hadirector.sources.summary_writer.BACKOFF_SECONDS_MAX", 1000.0)
    monkeypatch.setattr("random.uniform", lambda *_: 1000.0)
    return FakeStore.written


async def test_another_store_does_not_wait_for_the_store_that_failed(written: list[bytes]) -> None:
    outcomes: Any = Outcomes()
    writer = SummaryWriter(cast("Channel[ToSources]", outcomes))
    running = asyncio.create_task(writer.run())
    try:
        writer.note(WriteSummary(BAD, "lb1", b"1"))
        await eventually_async(lambda: outcomes.reports, 5.0, expected=["refused"])
        writer.note(WriteSummary(BAD, "lb1", b"2"))
        await asyncio.sleep(0)
        assert outcomes.reports == ["refused"]  # the attempts wait for 1000 s
        writer.note(WriteSummary(GOOD, "lb1", b"3"))
        await eventually_async(lambda: outcomes.reports, 5.0, expected=["refused", ""])
        assert written == [b"3"]
    finally:
        running.cancel()
