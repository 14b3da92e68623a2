"""Reports of the vrrp process on their way to the director: no change of a state is lost."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from itertools import count
from time import monotonic

import pytest

from hadirector.processes import channel, vrrp_reports
from hadirector.processes.channel import Channel
from hadirector.processes.messages import FromVrrp, Heartbeat, ToVrrp
from hadirector.processes.vrrp_reports import VrrpReports
from tests.running import running
from vrrp.model.report import InstanceStatus, Notice, State, Transition

Ends = tuple[Channel[ToVrrp], Channel[FromVrrp]]


@pytest.fixture
def ends() -> Iterator[Ends]:
    """The end of the vrrp process, and the end of the director."""
    ours, theirs = channel.pair()
    with contextlib.closing(ours), contextlib.closing(theirs):
        yield Channel(ours, ToVrrp), Channel(theirs, FromVrrp)


def transition(instance: str, state: State) -> Transition:
    return Transition(instance, State.BACKUP, state, "a reason")


def status(instance: str, priority: int = 100) -> InstanceStatus:
    return InstanceStatus(
        instance,
        State.BACKUP,
        priority,
        51,
        "eth0",
        ("192.0.2.10/32",),
        handing_over=False,
        yielding=False,
        active_router=None,
        active_down_interval=3.6,
        counters={},
    )


def fill(process: Channel[ToVrrp]) -> None:
    """Send until the socket takes no more."""
    for _ in count():
        process.send(Heartbeat())
        if not process.is_flushed:
            return


async def receive_reports(director: Channel[FromVrrp], number: int) -> list[FromVrrp]:
    reports: list[FromVrrp] = []
    async with asyncio.timeout(5):
        while len(reports) < number:
            message = await director.receive()
            assert message is not None
            if not isinstance(message, Heartbeat):
                reports.append(message)
    return reports


async def test_a_report_is_sent_at_once_with_its_time(ends: Ends) -> None:
    process, director = ends
    before = monotonic()
    VrrpReports(process).send(transition("web", State.ACTIVE))
    [report] = await receive_reports(director, 1)
    assert isinstance(report, Transition)
    assert before <= report.sent_at <= monotonic()


async def test_while_the_director_does_not_read_the_latest_report_of_each_instance_waits(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Transitions come first. Of three notices, two wait.

    A status from before the transition of its instance is not sent after it.
    """
    monkeypatch.setattr(vrrp_reports, "NOTICES_MAX", 2)
    process, director = ends
    fill(process)
    reports = VrrpReports(process)
    for _ in range(10_000):
        reports.send(status("web", 99))
        reports.send(status("mail"))
    reports.send(transition("web", State.ACTIVE))
    reports.send(transition("mail", State.ACTIVE))
    reports.send(transition("web", State.INITIALIZE))
    reports.send(status("web"))
    for number in range(3):
        reports.send(Notice("info", "something", {"number": number}))
    assert reports.dropped == 1
    async with running(reports):
        received = await receive_reports(director, 5)
        async with asyncio.timeout(5):
            await reports.deliver()
    states = [(each.instance, each.state) for each in received if isinstance(each, Transition)]
    assert states == [("mail", State.ACTIVE), ("web", State.INITIALIZE)]
    notices = [each.fields["number"] for each in received if isinstance(each, Notice)]
    assert notices == [1, 2]
    statuses = [
        (each.instance, each.priority) for each in received if isinstance(each, InstanceStatus)
    ]
    assert statuses == [("web", 100)]


async def test_the_delivery_waits_for_a_director_that_does_not_read(ends: Ends) -> None:
    process, director = ends
    fill(process)
    reports = VrrpReports(process)
    reports.send(transition("web", State.INITIALIZE))
    async with running(reports):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await reports.deliver()
        await receive_reports(director, 1)
        async with asyncio.timeout(5):
            await reports.deliver()


async def test_the_end_of_the_director_ends_the_delivery(ends: Ends) -> None:
    process, director = ends
    fill(process)
    reports = VrrpReports(process)
    reports.send(transition("web", State.INITIALIZE))
    director.close()
    async with running(reports), asyncio.timeout(5):
        await reports.deliver()
