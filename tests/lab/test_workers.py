"""Several checks workers: real processes that probe a closed port of this host."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest

from checks.definition.check import CheckDefinition, Limits, Timing
from checks.definition.options import TcpProbe, TlsProbe
from checks.definition.result import Reason, Result, Verdict
from hadirector.health.target import TargetState
from hadirector.health.workers import Workers
from hadirector.processes.channel import QUEUE_PACKETS_MAX
from hadirector.processes.messages import CheckStatistics, VerdictChanged
from hadirector.processes.supervisor import ChildDied, ChildStarted
from tests.waiting import eventually_async

CLOSED_PORT = 1


def checks(count: int) -> dict[str, CheckDefinition]:
    """Return checks that count as a hundred TCP connects a second each.

    They cost less: the port refuses.
    """
    return {
        f"tls 127.0.1.{number}": CheckDefinition(
            identity=f"tls 127.0.1.{number}",
            address=f"127.0.1.{number}",
            port=CLOSED_PORT,
            probe=TlsProbe(),
            timing=Timing(interval=0.1, timeout=0.1, fall=1),
        )
        for number in range(1, count + 1)
    }


SECONDS_MAX = 20.0
PROBED_SECONDS = 4.0
"""How long a worker needs at most to probe twelve thousand targets that refuse."""


class Listener:
    """Configures each worker when it has started, as a director does, and records its messages."""

    def __init__(self) -> None:
        self.workers = Workers(self.hear)
        self.verdicts: dict[str, Verdict] = {}
        self.died: list[str] = []
        self.reads = asyncio.Event()
        self.reads.set()

    async def hear(self, message: Any) -> None:
        await self.reads.wait()
        match message:
            case ChildStarted():
                self.workers.send({}, message.name)
            case ChildDied():
                self.died.append(message.name)
            case VerdictChanged():
                self.verdicts[message.check] = message.verdict
            case CheckStatistics():
                assert message.latest.keys() <= self.workers._checks.keys()

    async def wait_for_verdicts(self, names: set[str]) -> None:
        await eventually_async(lambda: set(self.verdicts), SECONDS_MAX, expected=names)

    async def wait_for_probes(self, count: int) -> None:
        """Wait until the statistics, which come every second, count this many probes."""
        await eventually_async(
            lambda: self.workers.statistics.probes >= count, SECONDS_MAX, f"{count} probes"
        )

    def names(self) -> list[str]:
        return [child.name for child in self.workers.children]


NINETY: Final = checks(90)


@asynccontextmanager
async def listening(
    processors: int,
    monkeypatch: pytest.MonkeyPatch,
    definitions: Mapping[str, CheckDefinition] = NINETY,
) -> AsyncIterator[Listener]:
    """Run the workers of these checks as on a host with this number of processors."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(processors)))
    listener = Listener()
    listener.workers.configure(definitions, Limits())
    running = asyncio.create_task(listener.workers.run())
    try:
        yield listener
    finally:
        listener.workers.stop()
        async with asyncio.timeout(20):
            await running


async def test_every_check_is_run_by_one_of_the_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    async with listening(8, monkeypatch) as listener:
        assert listener.names() == ["checks", "checks 2", "checks 3"]
        await listener.wait_for_verdicts(set(checks(90)))
        assert set(listener.verdicts.values()) == {Verdict.FAILING}
        await listener.wait_for_probes(180)
        pids = {child.pid for child in listener.workers.children}
        assert len(pids) == 3
    assert {child.pid for child in listener.workers.children} == {None}


async def test_no_more_workers_than_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    async with listening(2, monkeypatch) as listener:
        assert listener.names() == ["checks", "checks 2"]
        await listener.wait_for_verdicts(set(checks(90)))


async def test_a_worker_that_dies_comes_back_to_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    async with listening(8, monkeypatch) as listener:
        await listener.wait_for_verdicts(set(checks(90)))
        others = [child.pid for child in listener.workers.children if child.name != "checks 2"]
        listener.verdicts.clear()
        listener.workers.children[1].kill()
        await eventually_async(lambda: listener.died, SECONDS_MAX, expected=["checks 2"])
        share = {check.identity for check in listener.workers._shares[1].checks}
        assert 10 < len(share) < 50
        await listener.wait_for_verdicts(share)
        left = [child.pid for child in listener.workers.children if child.name != "checks 2"]
        assert left == others


async def test_workers_start_and_stop_with_the_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The remaining workers probe the remaining checks.

    A worker that is no longer needed does not count as died.
    """
    async with listening(8, monkeypatch) as listener:
        await listener.wait_for_verdicts(set(checks(90)))
        leaving = listener.workers.children[1:]
        known = dict(listener.verdicts)
        listener.workers.configure(checks(40), Limits())
        listener.workers.send({name: TargetState(verdict) for name, verdict in known.items()})
        assert listener.names() == ["checks"]
        await eventually_async(
            lambda: {child.pid for child in leaving}, SECONDS_MAX, expected={None}
        )
        await listener.wait_for_probes(listener.workers.statistics.probes + 400)
        assert listener.verdicts == known
        listener.verdicts.clear()
        listener.workers.configure(checks(60), Limits())
        listener.workers.send({})
        assert listener.names() == ["checks", "checks 2"]
        moved = {check.identity for check in listener.workers._shares[1].checks}
        fresh = set(checks(60)) - set(checks(40))
        await listener.wait_for_verdicts(moved | fresh)
        assert listener.died == []


async def test_a_verdict_counts_only_from_the_worker_of_its_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A late verdict of the earlier worker would hide the verdict of the current one."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    listener = Listener()
    listener.workers.configure(checks(90), Limits())
    share = listener.workers._shares[1].checks
    said = VerdictChanged(
        share[0].identity, Verdict.FAILING, Result(Reason.REFUSED, "refused", 0.0)
    )
    first, second, _ = listener.workers.children
    await first._report(said)
    assert listener.verdicts == {}
    await second._report(said)
    assert listener.verdicts == {share[0].identity: Verdict.FAILING}
    listener.verdicts.clear()
    listener.workers.configure(checks(40), Limits())
    await second._report(said)
    await second._report(CheckStatistics(1000, 0, {}))
    assert listener.verdicts == {}
    assert listener.workers.statistics.probes == 0


def many_targets(count: int) -> dict[str, CheckDefinition]:
    """Return checks of this many different targets, which all refuse."""
    return {
        f"tcp {number}": CheckDefinition(
            identity=f"tcp {number}",
            address=f"127.{1 + number // 65536}.{number // 256 % 256}.{number % 256}",
            port=CLOSED_PORT,
            probe=TcpProbe(),
            timing=Timing(interval=20, timeout=5, fall=1),
        )
        for number in range(1, count + 1)
    }


async def test_more_verdicts_at_once_than_the_channel_holds_end_no_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While the director reads nothing, each target of a mass failure gets a new verdict."""
    targets = many_targets(QUEUE_PACKETS_MAX + 4000)
    async with listening(1, monkeypatch, targets) as listener:
        await eventually_async(lambda: len(listener.verdicts) > 10, SECONDS_MAX, "a first verdict")
        listener.reads.clear()
        (worker,) = listener.workers.children
        await asyncio.sleep(PROBED_SECONDS)
        listener.reads.set()
        await listener.wait_for_verdicts(set(targets))
        assert listener.died == []
        assert worker.restarts == 0
        assert set(listener.verdicts.values()) == {Verdict.FAILING}
