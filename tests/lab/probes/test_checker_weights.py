"""Reports of the checker about targets that request a part of their weight."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from checks.definition.check import CheckDefinition, Timing
from checks.definition.options import AgentProbe
from checks.definition.result import Result, Verdict
from checks.scheduling.checker import Checker

Serve = Callable[..., AbstractAsyncContextManager[int]]


async def test_a_change_of_the_weight_is_reported_and_a_failure_does_not_change_it(
    serve: Serve,
) -> None:
    """The weight that is known at the start is not reported again."""
    says = [b"50%\n", b"50%\n", b"drain\n", b"drain\n", b"down\n", b"down\n", b"drain\n", b"up\n"]
    reports: asyncio.Queue[tuple[Verdict, int | None]] = asyncio.Queue()

    async def agent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(says.pop(0) if says else b"up\n")

    def report(_identity: str, verdict: Verdict, result: Result) -> None:
        reports.put_nowait((verdict, result.weight))

    async with serve(agent) as port:
        checker = Checker(report)
        timing = Timing(interval=0.03, timeout=0.03, rise=1, fall=2)
        definition = CheckDefinition(
            identity="a", address="127.0.0.1", port=port, probe=AgentProbe(), timing=timing
        )
        checker.configure([definition], {"a": Verdict.PASSING}, {"a": 50})
        running = asyncio.create_task(checker.run())
        async with asyncio.timeout(5):
            seen = [await reports.get() for _ in range(4)]
        running.cancel()
        await asyncio.wait([running])
    assert seen == [
        (Verdict.PASSING, 0),
        (Verdict.FAILING, None),
        (Verdict.PASSING, 0),
        (Verdict.PASSING, None),
    ]


async def test_a_weight_moves_one_step_per_probe(serve: Serve) -> None:
    """From 100 % to the requested 40 %, by 25 % per probe."""
    reports: asyncio.Queue[int | None] = asyncio.Queue()

    async def agent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"40%\n")

    def report(_identity: str, _verdict: Verdict, result: Result) -> None:
        reports.put_nowait(result.weight)

    async with serve(agent) as port:
        checker = Checker(report)
        definition = CheckDefinition(
            identity="a",
            address="127.0.0.1",
            port=port,
            probe=AgentProbe(),
            timing=Timing(interval=0.03, timeout=0.03, weight_step=25),
        )
        checker.configure([definition], {"a": Verdict.PASSING})
        running = asyncio.create_task(checker.run())
        async with asyncio.timeout(5):
            seen = [await reports.get() for _ in range(3)]
        running.cancel()
        await asyncio.wait([running])
    assert seen == [75, 50, 40]
