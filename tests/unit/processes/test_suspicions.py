"""Suspicions on their way to the director."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from hadirector.processes import channel, suspicions
from hadirector.processes.channel import Channel
from hadirector.processes.messages import FromChecks, TargetSuspected, ToChecks


async def test_suspicions_are_sent_when_they_are_wanted_and_not_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, theirs = channel.pair()
    now = 100.0
    monkeypatch.setattr(suspicions, "monotonic", lambda: now)
    with contextlib.closing(ours), contextlib.closing(theirs):
        worker: Channel[ToChecks] = Channel(ours, ToChecks)
        director: Channel[FromChecks] = Channel(theirs, FromChecks)
        reports = suspicions.SuspicionReports(worker)
        reports.report("not wanted")
        reports.wanted = True
        for number in range(201):
            reports.report(f"{number}")
        now = 101.0
        reports.report("in the next second")
        async with asyncio.timeout(5):
            received = [await director.receive() for _ in range(201)]
    expected = [*(f"{number}" for number in range(200)), "in the next second"]
    assert received == [TargetSuspected(name) for name in expected]
