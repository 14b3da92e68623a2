"""Idle connections to real servers: their end causes a probe, and only a probe decides."""

import asyncio
import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager

import pytest

from checks.definition.check import CheckDefinition, Timing
from checks.definition.options import HttpProbe
from checks.definition.result import Reason, Result, Verdict
from checks.scheduling.checker import Checker
from tests.running import running

PASSING, FAILING = Verdict.PASSING, Verdict.FAILING
SELDOM = Timing(interval=600, timeout=1, rise=2, fall=3)
"""After the first probe, only hints cause probes."""

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Serve = Callable[[Handler], AbstractAsyncContextManager[int]]


class Reports:
    def __init__(self) -> None:
        self._queue: asyncio.Queue[tuple[Verdict, Reason]] = asyncio.Queue()

    def __call__(self, _identity: str, verdict: Verdict, result: Result) -> None:
        self._queue.put_nowait((verdict, result.reason))

    async def next(self) -> tuple[Verdict, Reason]:
        async with asyncio.timeout(5):
            return await self._queue.get()

    def is_empty(self) -> bool:
        return self._queue.empty()


async def eventually(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not is_so():  # noqa: ASYNC110 - nothing is reported: that is the point
            await asyncio.sleep(0.005)


@pytest.fixture
def reports() -> Reports:
    return Reports()


@pytest.fixture
async def checker(reports: Reports) -> AsyncIterator[Checker]:
    checker = Checker(reports)
    async with running(checker):
        yield checker


def check(port: int, *, timing: Timing = SELDOM, idle_connection: bool = True) -> CheckDefinition:
    return CheckDefinition(
        identity="web",
        address="127.0.0.1",
        port=port,
        probe=HttpProbe(),
        timing=timing,
        idle_connection=idle_connection,
    )


class WebServer:
    """A killable process that serves HTTP."""

    def __init__(self) -> None:
        arguments = ["-m", "hadirector.demo.web", "--address", "127.0.0.1"]
        self.port = _free_port()
        self._process = subprocess.Popen(
            [sys.executable, *arguments, "--port", str(self.port), "--name", "web"],
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline().strip() == b"ready"

    def kill(self) -> None:
        self._process.kill()

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture
def web() -> Iterator[WebServer]:
    with contextlib.closing(WebServer()) as server:
        yield server


class Behaviour:
    """Answers every request with 200, and treats connections without a request as given."""

    def __init__(self, idle_seconds: float) -> None:
        self._idle_seconds = idle_seconds
        self.requests = 0
        self.idle_ends = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(self._idle_seconds):
                head = await reader.readuntil(b"\r\n\r\n")
        except TimeoutError:
            self.idle_ends += 1
            return
        assert head
        self.requests += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


async def test_a_killed_server_fails_long_before_its_next_probe_is_due(
    checker: Checker, reports: Reports, web: WebServer
) -> None:
    """After SIGKILL, three refusals in quick succession give a verdict."""
    checker.configure([check(web.port)], {})
    assert await reports.next() == (PASSING, Reason.PASSED)
    await asyncio.sleep(0.1)
    assert (checker.probes, checker.idle_connections) == (1, 1)
    killed_at = time.monotonic()
    web.kill()
    verdict, reason = await reports.next()
    assert verdict is FAILING
    assert reason in {Reason.REFUSED, Reason.RESET}
    assert time.monotonic() - killed_at < 2.0
    assert (checker.hints, checker.probes, checker.idle_connections) == (1, 4, 0)


async def test_without_an_idle_connection_a_killed_server_is_found_when_its_probe_is_due(
    checker: Checker, reports: Reports, web: WebServer
) -> None:
    checker.configure([check(web.port, idle_connection=False)], {})
    assert await reports.next() == (PASSING, Reason.PASSED)
    web.kill()
    await asyncio.sleep(0.3)
    assert (checker.hints, checker.probes, checker.idle_connections) == (0, 1, 0)
    assert reports.is_empty()


async def test_a_server_that_ends_idle_connections_costs_one_probe_and_no_verdict(
    checker: Checker, reports: Reports, serve: Serve
) -> None:
    """It gets no connection for a second afterwards."""
    behaviour = Behaviour(idle_seconds=0.1)
    async with serve(behaviour) as port:
        checker.configure([check(port)], {})
        assert await reports.next() == (PASSING, Reason.PASSED)
        await eventually(lambda: behaviour.requests == 2)
        await asyncio.sleep(0.5)
        assert (behaviour.requests, behaviour.idle_ends, checker.idle_connections) == (2, 1, 0)
        assert reports.is_empty()


async def test_a_server_that_ends_connections_at_once_causes_no_storm_of_probes(
    checker: Checker, reports: Reports, serve: Serve
) -> None:
    """Ten probes per second are due. A hint after each would double their number."""
    behaviour = Behaviour(idle_seconds=0.0)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A probe sends its request at once, and an idle connection sends nothing.
        await asyncio.sleep(0.02)
        await behaviour(reader, writer)

    async with serve(handle) as port:
        checker.configure([check(port, timing=Timing(interval=0.1, timeout=0.1))], {})
        assert await reports.next() == (PASSING, Reason.PASSED)
        await asyncio.sleep(1.5)
        assert behaviour.idle_ends <= 3
        assert checker.hints <= 3
        assert reports.is_empty()
        checker.configure([], {})


async def test_a_silent_target_is_not_probed_again_before_it_is_due(
    checker: Checker, reports: Reports, serve: Serve
) -> None:
    """One probe follows the hint. The verdict needs three."""
    behaviour = Behaviour(idle_seconds=0.1)
    asked = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if behaviour.idle_ends:
            asked.set()
            await reader.read()
        else:
            await behaviour(reader, writer)

    async with serve(handle) as port:
        checker.configure([check(port, timing=Timing(interval=600, timeout=0.2, fall=3))], {})
        assert await reports.next() == (PASSING, Reason.PASSED)
        checker.take_latest()
        await asyncio.wait_for(asked.wait(), 3)
        await eventually(lambda: bool(checker.take_latest()))
        await asyncio.sleep(0.5)
        assert (checker.hints, checker.probes) == (1, 2)
        assert reports.is_empty()


async def test_a_removed_check_closes_its_idle_connection(
    checker: Checker, reports: Reports, web: WebServer
) -> None:
    checker.configure([check(web.port)], {})
    assert await reports.next() == (PASSING, Reason.PASSED)
    assert checker.idle_connections == 1
    checker.configure([], {})
    assert checker.idle_connections == 0


async def test_no_more_idle_connections_are_kept_than_allowed(
    reports: Reports, web: WebServer
) -> None:
    """The target without an idle connection is probed as usual."""
    checker = Checker(reports, idle_connections_max=0)
    async with running(checker):
        checker.configure([check(web.port)], {})
        assert await reports.next() == (PASSING, Reason.PASSED)
        assert checker.idle_connections == 0
