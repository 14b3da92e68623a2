"""The numbers of running processes become values of tracked objects."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable

import pytest
from structlog.testing import capture_logs

from hadirector.election import tracked_processes
from hadirector.election.process_counter import Report
from hadirector.election.tracked_processes import TrackedProcesses
from tests.waiting import eventually_async
from vrrp.model.configuration import TrackedKey
from vrrp.model.tracked_process import ProcessPattern, TrackedProcess

A, B = ProcessPattern(name="a"), ProcessPattern(name="b")
ONE = TrackedProcess(key=TrackedKey("process", "a"), pattern=A)
TWO = TrackedProcess(key=TrackedKey("process", "a (at least 2)"), pattern=A, at_least=2)
NONE = TrackedProcess(key=TrackedKey("process", "b"), pattern=B, at_least=0, at_most=0)


class Counter:
    """Stands for the thread that counts."""

    made: list[Counter]

    def __init__(
        self, patterns: Iterable[ProcessPattern], report: Callable[[Report | Exception], None]
    ) -> None:
        self.patterns = set(patterns)
        self.report = report
        self.closed = False
        self.made.append(self)

    def close(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def counters(monkeypatch: pytest.MonkeyPatch) -> list[Counter]:
    Counter.made = []
    monkeypatch.setattr(tracked_processes, "ProcessCounter", Counter)
    return Counter.made


class Watching:
    """The tracked processes in their task, and the values they have sent."""

    def __init__(self, *processes: TrackedProcess) -> None:
        self.values: list[dict[str, int]] = []
        self.tracked = TrackedProcesses(processes, self.put)

    async def put(self, values: dict[TrackedKey, int]) -> None:
        self.values.append({key.name: value for key, value in values.items()})

    async def wait_for(self, *values: dict[str, int]) -> None:
        await eventually_async(lambda: self.values, 5.0, expected=list(values))


@contextlib.asynccontextmanager
async def watch(*processes: TrackedProcess) -> AsyncIterator[Watching]:
    watching = Watching(*processes)
    task = asyncio.create_task(watching.tracked.run())
    try:
        await asyncio.sleep(0)
        yield watching
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_number_in_the_range_makes_an_object_up(counters: list[Counter]) -> None:
    """Only values that change are sent. A pattern without a number has no value."""
    async with watch(ONE, TWO, NONE) as watching:
        (counter,) = counters
        assert counter.patterns == {A, B}
        counter.report(Report({A: 1}))
        await watching.wait_for({"a": 1, "a (at least 2)": 0})
        counter.report(Report({A: 2, B: 0}))
        await watching.wait_for({"a": 1, "a (at least 2)": 0}, {"a (at least 2)": 1, "b": 1})
        counter.report(Report({A: 0, B: 1}))
        await watching.wait_for(*watching.values[:2], {"a": 0, "a (at least 2)": 0, "b": 0})
    assert counter.closed


async def test_a_restart_within_the_delay_does_not_count(counters: list[Counter]) -> None:
    """The second end lasts."""
    delayed = TrackedProcess(key=ONE.key, pattern=A, down_delay=0.05)
    async with watch(delayed) as watching:
        (counter,) = counters
        for count in (1, 0, 1):
            counter.report(Report({A: count}))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        await watching.wait_for({"a": 1})
        counter.report(Report({A: 0}))
        await watching.wait_for({"a": 1}, {"a": 0})


async def test_a_reload_counts_other_processes(counters: list[Counter]) -> None:
    """Late reports of the former thread are ignored. Without processes nothing counts."""
    async with watch(ONE) as watching:
        watching.tracked.configure((NONE,))
        await eventually_async(lambda: len(counters), 5.0, expected=2)
        assert [counter.closed for counter in counters] == [True, False]
        counters[0].report(Report({A: 1, B: 1}))
        for _ in range(5):
            await asyncio.sleep(0)
        assert watching.values == []
        counters[1].report(Report({B: 0}, polling="no connector"))
        await watching.wait_for({"b": 1})
        assert watching.tracked.polling == "no connector"
        watching.tracked.configure(())
        await eventually_async(lambda: counters[1].closed, 5.0)
        assert watching.tracked.polling is None
        assert len(counters) == 2


async def test_an_unreadable_proc_keeps_the_values(counters: list[Counter]) -> None:
    with capture_logs() as logs:
        async with watch(ONE) as watching:
            (counter,) = counters
            counter.report(Report({A: 1}))
            counter.report(Report({}, error="Too many open files"))
            counter.report(Report({}, error="Too many open files"))
            await eventually_async(lambda: len(logs), 5.0, expected=2)
            assert watching.values == [{"a": 1}]
    assert [(each["event"], each.get("reason")) for each in logs] == [
        ("processes_unreadable", "Too many open files"),
        ("tracked_process_changed", None),
    ]


async def test_the_crash_of_the_thread_ends_the_task(counters: list[Counter]) -> None:
    watching = Watching(ONE)
    task = asyncio.create_task(watching.tracked.run())
    await asyncio.sleep(0)
    counters[0].report(ZeroDivisionError("a fault of ours"))
    with pytest.raises(ZeroDivisionError, match="a fault of ours"):
        await asyncio.wait_for(task, 5.0)


class HastyCounter(Counter):
    """A thread that counts before the loop knows it."""

    def __init__(
        self, patterns: Iterable[ProcessPattern], report: Callable[[Report | Exception], None]
    ) -> None:
        super().__init__(patterns, report)
        report(Report({A: 1}))


async def test_a_report_before_the_counter_is_known_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracked_processes, "ProcessCounter", HastyCounter)
    async with watch(ONE) as watching:
        await watching.wait_for({"a": 1})
