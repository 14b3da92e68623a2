"""Probes that take longer than the interval, on a virtual clock."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Iterator
from typing import Any

import pytest

from checks.definition.check import CheckDefinition, Limits, Timing
from checks.definition.options import ScriptProbe
from checks.definition.result import Reason, Result, Verdict
from checks.io.attention import Attention
from checks.probes import registry
from checks.scheduling import dispatcher
from checks.scheduling.dispatcher import Dispatcher
from checks.scheduling.target import Target

PASSED, TIMEOUT = Reason.PASSED, Reason.TIMEOUT


class VirtualSelector(selectors.EpollSelector):
    """Advances the time of its clock instead of waiting."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is not None:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is that of its selector."""

    def __init__(self) -> None:
        self.clock = VirtualSelector()
        super().__init__(self.clock)

    def time(self) -> float:
        return self.clock.now


class Server:
    """The target: each probe takes the next duration, and the last one then repeats."""

    def __init__(self, loop: VirtualLoop, timeout: float, durations: list[float]) -> None:
        self._loop = loop
        self._timeout = timeout
        self._durations = durations
        self.begins: list[float] = []
        self.at_once = self.at_once_max = 0

    async def run(self, _definition: CheckDefinition) -> Result:
        self.begins.append(round(self._loop.time(), 1))
        seconds = self._durations[min(len(self.begins), len(self._durations)) - 1]
        self.at_once += 1
        self.at_once_max = max(self.at_once_max, self.at_once)
        taken = min(seconds, self._timeout)
        await asyncio.sleep(taken)
        self.at_once -= 1
        return Result(PASSED if seconds < self._timeout else TIMEOUT, "", taken)


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    made = VirtualLoop()
    yield made
    made.close()


def observe(
    loop: VirtualLoop, monkeypatch: pytest.MonkeyPatch, timing: Timing, durations: list[float]
) -> tuple[Server, Dispatcher]:
    """Probe a server for 19.5 virtual seconds."""
    server = Server(loop, timing.timeout, durations)
    monkeypatch.setattr(dispatcher, "monotonic", loop.time)
    monkeypatch.setattr(registry, "run", server.run)
    definition = CheckDefinition(
        identity="a", address="192.0.2.1", port=80, probe=ScriptProbe(script="/s"), timing=timing
    )

    def judge(target: Target, result: Result) -> None:
        target.tracker.record(result.passed)

    async def run() -> Dispatcher:
        made = Dispatcher(judge, 10, Attention())
        made.configure({"a": Target(definition, Verdict.PASSING, None, 0.0)}, Limits())
        running: asyncio.Task[Any] = asyncio.create_task(made.run())
        await asyncio.sleep(19.5)
        running.cancel()
        await asyncio.wait([running])
        return made

    return server, loop.run_until_complete(run())


@pytest.mark.parametrize(
    ("timing", "durations", "begins"),
    [
        # Silence for 5 s twice: the next probe starts at once, and later ones are in phase again.
        (
            Timing(interval=2.0, timeout=5.0, fall=9),
            [0.5, 6.0, 6.0, 0.5],
            [0.0, 2.0, 7.0, 12.0, 14.0, 16.0, 18.0],
        ),
        # Slow passes.
        (Timing(interval=4.0, timeout=9.0), [6.5, 0.5], [0.0, 6.5, 8.0, 12.0, 16.0]),
        # The suspect interval is shorter than the timeout.
        (
            Timing(interval=8.0, timeout=3.0, fast_interval=1.0, fall=9, rise=1),
            [4.0, 4.0, 0.5],
            [0.0, 3.0, 6.0, 14.0],
        ),
        # A timeout below the interval, as a comparison.
        (Timing(interval=6.0, timeout=1.0, fall=9), [2.0], [0.0, 6.0, 12.0, 18.0]),
    ],
)
def test_a_long_probe_delays_the_next_one_and_never_overlaps_it(
    loop: VirtualLoop,
    monkeypatch: pytest.MonkeyPatch,
    timing: Timing,
    durations: list[float],
    begins: list[float],
) -> None:
    """The delay is a property of the target, so no probe counts as delayed by this host."""
    server, made = observe(loop, monkeypatch, timing, durations)
    assert server.begins == pytest.approx(begins, abs=0.11)
    assert server.at_once_max == 1
    assert made.delayed_probes == 0
