"""The summary for the store of a fleet. Whatever goes wrong with it, the director continues."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from hadirector.director.publishing import Publishing
from hadirector.model.fleet import SummaryStore
from hadirector.sources.messages import WriteSummary
from hadirector.status.summary import DirectorSummary, StoredSummary
from hadirector.status.verdict import Level
from tests.waiting import eventually_async

SUMMARY = DirectorSummary(name="lb1", version="0.2.0", level=Level.OK, reason="good")


async def test_a_summary_that_cannot_be_gathered_is_logged_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The process had no free descriptor for a while."""
    monkeypatch.setattr("hadirector.director.publishing.PASS_SECONDS", 0.001)
    sent: list[WriteSummary] = []
    failures = [OSError(24, "Too many open files")] * 3

    async def summarize() -> DirectorSummary:
        if failures:
            raise failures.pop()
        return SUMMARY

    store = SummaryStore(type="http", url="http://store", interval=0.001)
    parts: Any = SimpleNamespace(
        configuration=SimpleNamespace(fleet=store, name="lb1"),
        discovery=SimpleNamespace(child=SimpleNamespace(send=sent.append)),
    )
    with capture_logs() as logs:
        task = asyncio.create_task(Publishing(parts, summarize).run())
        await eventually_async(lambda: sent, 5.0, "a summary")
        task.cancel()
    assert [(line["event"], line["reason"]) for line in logs] == [
        ("summary_not_gathered", "OSError: [Errno 24] Too many open files")
    ]
    assert msgspec.json.decode(sent[0].text, type=StoredSummary).summary == SUMMARY
