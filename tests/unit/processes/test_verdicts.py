"""Verdicts on their way to the director: none is lost, and none waits twice."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from itertools import count

import pytest

from checks.definition.result import Reason, Result, Verdict
from hadirector.processes import channel
from hadirector.processes.channel import Channel
from hadirector.processes.messages import FromChecks, Heartbeat, ToChecks, VerdictChanged
from hadirector.processes.verdicts import VerdictReports
from tests.running import running

REFUSED = Result(Reason.REFUSED, "connection refused", 0.001)


@pytest.fixture
def ends() -> Iterator[tuple[Channel[ToChecks], Channel[FromChecks]]]:
    """The end of a worker, and the end of the director."""
    ours, theirs = channel.pair()
    with contextlib.closing(ours), contextlib.closing(theirs):
        yield Channel(ours, ToChecks), Channel(theirs, FromChecks)


async def receive_verdict(director: Channel[FromChecks]) -> VerdictChanged:
    async with asyncio.timeout(5):
        while not isinstance(message := await director.receive(), VerdictChanged):
            assert message == Heartbeat()
    return message


def fill(worker: Channel[ToChecks]) -> None:
    """Send until the socket takes no more."""
    for _ in count():
        worker.send(Heartbeat())
        if not worker.is_flushed:
            return


async def test_a_verdict_is_sent_at_once(
    ends: tuple[Channel[ToChecks], Channel[FromChecks]],
) -> None:
    worker, director = ends
    VerdictReports(worker).report("web", Verdict.FAILING, REFUSED)
    assert await receive_verdict(director) == VerdictChanged("web", Verdict.FAILING, REFUSED)


async def test_while_the_director_does_not_read_the_latest_verdict_of_each_check_waits(
    ends: tuple[Channel[ToChecks], Channel[FromChecks]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Far more verdicts than the channel holds, of two checks."""
    worker, director = ends
    fill(worker)
    monkeypatch.setattr(channel, "QUEUE_PACKETS_MAX", 5)
    reports = VerdictReports(worker)
    async with running(reports):
        for _ in range(100):
            reports.report("first", Verdict.FAILING, REFUSED)
            reports.report("second", Verdict.FAILING, REFUSED)
            reports.report("first", Verdict.PASSING, REFUSED)
        assert reports.are_waiting
        assert await receive_verdict(director) == VerdictChanged("first", Verdict.PASSING, REFUSED)
        assert await receive_verdict(director) == VerdictChanged("second", Verdict.FAILING, REFUSED)
        assert not reports.are_waiting
    worker.close()
