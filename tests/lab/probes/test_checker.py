"""The checker with real probes: changes of the configuration, verdicts, schedule and limits."""

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager

import pytest

from checks.definition.check import CheckDefinition, Timing
from checks.definition.options import AllProbe, HttpProbe, Member, Probe, TcpProbe, TlsProbe
from checks.definition.result import Reason, Result, Verdict
from checks.scheduling.checker import Checker
from tests.lab.probes.accepting import Acceptor
from tests.running import running

PASSING, FAILING, UNKNOWN = Verdict.PASSING, Verdict.FAILING, Verdict.UNKNOWN

OFTEN = Timing(interval=0.05, timeout=0.2, rise=2, fall=2)
SELDOM = Timing(interval=60, timeout=0.2)


class Reports:
    """The reports of the checker, in order."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[tuple[str, Verdict, Result]] = asyncio.Queue()

    def __call__(self, identity: str, verdict: Verdict, result: Result) -> None:
        self._queue.put_nowait((identity, verdict, result))

    async def next(self) -> tuple[str, Verdict, Reason]:
        async with asyncio.timeout(3):
            identity, verdict, result = await self._queue.get()
        return identity, verdict, result.reason

    def is_empty(self) -> bool:
        return self._queue.empty()


class Server:
    """A web server that can stop and start again on its port, and counts its connections."""

    def __init__(self) -> None:
        self.connections = 0
        self.at_once = 0
        self.at_once_max = 0
        self.answers = True
        self.stall = 0.0
        self.port = 0
        self._changed = asyncio.Condition()
        self._acceptor: Acceptor | None = None

    async def start(self) -> None:
        self._acceptor = Acceptor(self._converse, port=self.port)
        self.port = self._acceptor.port

    async def stop(self) -> None:
        if self._acceptor is not None:
            await self._acceptor.close()
            self._acceptor = None

    async def connected(self, times: int) -> None:
        """Wait until the server has seen this many connections."""
        async with asyncio.timeout(3), self._changed:
            await self._changed.wait_for(lambda: self.connections >= times)

    async def deserted(self) -> None:
        """Wait until no client is connected."""
        async with asyncio.timeout(3), self._changed:
            await self._changed.wait_for(lambda: self.at_once == 0)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.at_once += 1
        self.at_once_max = max(self.at_once_max, self.at_once)
        await self._notify()
        if self.answers:
            stall, self.stall = self.stall, 0.0
            time.sleep(stall)  # noqa: ASYNC251 - the test needs a stall of the whole process
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            await reader.read()
        self.at_once -= 1
        await self._notify()

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def reports() -> Reports:
    return Reports()


@pytest.fixture
async def checker(reports: Reports) -> AsyncIterator[Checker]:
    """A running checker."""
    checker = Checker(reports)
    async with running(checker):
        yield checker


TCP = TcpProbe()
HTTP = HttpProbe()
TWICE = AllProbe(checks=(Member(probe=HTTP), Member(probe=HTTP)))


def check(
    port: int, timing: Timing = OFTEN, probe: Probe = TCP, identity: str = "web"
) -> CheckDefinition:
    return CheckDefinition(
        identity=identity, address="127.0.0.1", port=port, probe=probe, timing=timing
    )


# -- verdicts -------------------------------------------------------------------------------


@pytest.mark.parametrize("probe", [TCP, HTTP], ids=["tcp", "http"])
async def test_verdicts_follow_a_server_that_stops_and_starts(
    checker: Checker, reports: Reports, server: Server, probe: Probe
) -> None:
    """Passing at the first pass, failing after fall failures, passing after rise passes."""
    checker.configure([check(server.port, probe=probe)], {})
    assert await reports.next() == ("web", PASSING, Reason.PASSED)
    await server.stop()
    assert await reports.next() == ("web", FAILING, Reason.REFUSED)
    await server.start()
    assert await reports.next() == ("web", PASSING, Reason.PASSED)
    await server.connected(server.connections + 3)
    assert reports.is_empty()


async def test_detection_takes_no_longer_than_fall_intervals_and_one_timeout(
    checker: Checker, reports: Reports, server: Server
) -> None:
    """Even if every probe takes as long as its interval."""
    timing = Timing(interval=0.4, timeout=0.4, rise=1, fall=3)
    checker.configure([check(server.port, timing, HTTP)], {})
    assert await reports.next() == ("web", PASSING, Reason.PASSED)
    server.answers = False
    died = time.monotonic()
    assert await reports.next() == ("web", FAILING, Reason.TIMEOUT)
    assert time.monotonic() - died < 3 * 0.4 + 0.4 + 0.3


async def test_an_exception_in_a_callback_ends_the_checker(server: Server) -> None:
    """Otherwise the loop would log it, and one target would never be probed again."""

    def report(*_: object) -> None:
        raise ZeroDivisionError

    checker = Checker(report)
    checker.configure([check(server.port)], {})
    async with asyncio.timeout(3):
        with pytest.raises(ExceptionGroup) as caught:
            await checker.run()
    assert [type(error) for error in caught.value.exceptions] == [ZeroDivisionError]


async def test_a_first_failure_is_a_verdict(
    checker: Checker, reports: Reports, closed_port: int
) -> None:
    checker.configure([check(closed_port, SELDOM)], {})
    assert await reports.next() == ("web", FAILING, Reason.REFUSED)


async def test_an_adopted_target_is_reported_only_when_it_fails(
    checker: Checker, reports: Reports, server: Server
) -> None:
    checker.configure([check(server.port)], {"web": PASSING})
    await server.connected(3)
    assert reports.is_empty()
    await server.stop()
    assert await reports.next() == ("web", FAILING, Reason.REFUSED)
    assert checker.take_latest()["web"].reason is Reason.REFUSED


@pytest.mark.parametrize("probe", [TCP, TlsProbe()], ids=["on the engine", "in a task"])
async def test_a_local_error_changes_no_verdict(
    checker: Checker,
    reports: Reports,
    closed_port: int,
    probe: Probe,
    no_more_descriptors: Callable[[], AbstractContextManager[None]],
) -> None:
    """A process without free file descriptors does not empty its pools."""
    checker.configure([check(closed_port, probe=probe)], {"web": PASSING})
    with no_more_descriptors():
        while checker.probes < 5:  # noqa: ASYNC110 - nothing is reported
            await asyncio.sleep(0.01)
        assert checker.take_latest()["web"].reason is Reason.LOCAL_ERROR
        assert reports.is_empty()
    assert await reports.next() == ("web", FAILING, Reason.REFUSED)


@pytest.mark.parametrize("probe", [HTTP, TWICE], ids=["on the engine", "in a task"])
async def test_a_stall_of_this_process_is_not_a_failure_of_the_target(
    checker: Checker, reports: Reports, server: Server, probe: Probe
) -> None:
    """A probe that stalls beyond its deadline is repeated and counts as delayed."""
    timing = Timing(interval=0.05, timeout=0.2, rise=2, fall=1)
    checker.configure([check(server.port, timing, probe)], {})
    assert await reports.next() == ("web", PASSING, Reason.PASSED)
    assert checker.delayed_probes == 0
    server.stall = 0.5
    await server.connected(server.connections + 4)
    assert checker.delayed_probes >= 1
    assert reports.is_empty()


# -- what stays, starts and stops -----------------------------------------------------------


async def test_an_unchanged_check_continues(
    checker: Checker, reports: Reports, server: Server
) -> None:
    """Other checks do not cause a new probe or a new verdict."""
    stays = check(server.port, SELDOM)
    checker.configure([stays], {})
    assert await reports.next() == ("web", PASSING, Reason.PASSED)
    other = check(server.port, SELDOM, identity="other")
    checker.configure([stays, other], {"web": FAILING})
    assert await reports.next() == ("other", PASSING, Reason.PASSED)
    checker.configure([stays], {})
    checker.configure([stays, check(server.port, SELDOM, identity="third")], {})
    assert await reports.next() == ("third", PASSING, Reason.PASSED)
    assert checker.probes == 3


async def test_a_probe_in_progress_survives_a_configuration_that_keeps_its_check(
    checker: Checker, reports: Reports, server: Server
) -> None:
    server.answers = False
    definition = check(server.port, SELDOM, HTTP)
    checker.configure([definition], {})
    await server.connected(1)
    checker.configure([definition], {})
    assert await reports.next() == ("web", FAILING, Reason.TIMEOUT)
    assert server.connections == 1


async def test_a_removed_check_stops_at_once_and_reports_nothing(
    checker: Checker, reports: Reports, server: Server
) -> None:
    server.answers = False
    goes, stays = check(server.port, OFTEN, HTTP), check(server.port, OFTEN, identity="stays")
    checker.configure([goes], {})
    await server.connected(1)
    checker.configure([stays], {})
    assert await reports.next() == ("stays", PASSING, Reason.PASSED)
    await server.connected(8)
    assert reports.is_empty()
    assert checker.take_latest().keys() == {"stays"}


async def test_changed_timing_keeps_the_verdict_and_takes_effect_at_once(
    checker: Checker, reports: Reports, server: Server
) -> None:
    checker.configure([check(server.port, SELDOM)], {})
    assert await reports.next() == ("web", PASSING, Reason.PASSED)
    checker.configure([check(server.port, OFTEN)], {"web": FAILING})
    await server.connected(4)
    assert reports.is_empty()
    await server.stop()
    assert await reports.next() == ("web", FAILING, Reason.REFUSED)


async def test_a_changed_probe_keeps_the_verdict_until_it_fails(
    checker: Checker, reports: Reports, server: Server
) -> None:
    checker.configure([check(server.port, OFTEN, HTTP)], {})
    assert await reports.next() == ("web", PASSING, Reason.PASSED)
    checker.configure([check(server.port, OFTEN, HttpProbe(expect_status=((204, 204),)))], {})
    assert await reports.next() == ("web", FAILING, Reason.STATUS)


async def test_another_address_is_another_target(
    checker: Checker, reports: Reports, server: Server, closed_port: int
) -> None:
    checker.configure([check(server.port, SELDOM)], {})
    assert await reports.next() == ("web", PASSING, Reason.PASSED)
    checker.configure([check(closed_port, SELDOM)], {})
    assert await reports.next() == ("web", FAILING, Reason.REFUSED)


async def test_a_configuration_may_be_empty(
    checker: Checker, reports: Reports, server: Server
) -> None:
    checker.configure([], {})
    checker.configure([check(server.port)], {})
    assert await reports.next() == ("web", PASSING, Reason.PASSED)
    checker.configure([], {})
    assert checker.take_latest() == {}


async def test_a_configuration_before_the_start_takes_effect_at_the_start(
    reports: Reports, server: Server
) -> None:
    checker = Checker(reports)
    checker.configure([check(server.port, SELDOM)], {})
    async with running(checker):
        assert await reports.next() == ("web", PASSING, Reason.PASSED)


async def test_cancelling_ends_every_probe_in_progress(reports: Reports, server: Server) -> None:
    server.answers = False
    checker = Checker(reports)
    checker.configure([check(server.port, Timing(timeout=30, interval=30), HTTP)], {})
    async with running(checker):
        await server.connected(1)
    await server.deserted()
    assert reports.is_empty()


# -- schedule and limits --------------------------------------------------------------------


async def test_a_target_has_one_probe_at_a_time(
    checker: Checker, reports: Reports, server: Server
) -> None:
    """Even if probes take four times their interval, and after a changed definition."""
    server.answers = False
    checker.configure([check(server.port, OFTEN, HTTP)], {})
    await server.connected(2)
    checker.configure([check(server.port, OFTEN, HttpProbe(path="/other"))], {})
    await server.connected(5)
    assert server.at_once_max == 1


async def test_a_busy_target_does_not_wait_for_an_idle_one(
    checker: Checker, reports: Reports, server: Server, closed_port: int
) -> None:
    idle = check(closed_port, SELDOM, identity="idle")
    checker.configure([idle, check(server.port)], {})
    await server.connected(5)
    assert checker.take_latest().keys() == {"idle", "web"}


async def test_take_latest_returns_each_result_once(
    checker: Checker, reports: Reports, server: Server
) -> None:
    checker.configure([check(server.port, SELDOM)], {})
    await reports.next()
    assert {identity: result.reason for identity, result in checker.take_latest().items()} == {
        "web": Reason.PASSED
    }
    assert checker.take_latest() == {}


async def test_the_limit_on_probes_at_once_holds_and_every_target_is_probed(
    reports: Reports, deaf_port: int
) -> None:
    """25 targets of 0.2 s are due within 0.25 s. With five at once, the others are delayed."""
    checker = Checker(reports, probes_at_once_max=5)
    timing = Timing(interval=60, timeout=0.2)
    checker.configure([check(deaf_port, timing, identity=str(n)) for n in range(25)], {})
    seen = set()
    async with running(checker):
        for _ in range(25):
            identity, verdict, reason = await reports.next()
            assert (verdict, reason) == (FAILING, Reason.TIMEOUT)
            assert len(checker._dispatcher._in_progress) <= 5
            seen.add(identity)
    assert len(seen) == 25
    assert checker.probes == 25
    assert checker.delayed_probes >= 15


def test_the_checks_process_loads_nothing_heavy() -> None:
    """There may be many checks processes, and each has its own copy."""
    program = (
        "import sys, checks.scheduling.checker;"
        "heavy = {'aiohttp', 'pydantic', 'structlog', 'yaml', 'dns'};"
        "assert not heavy & sys.modules.keys(), sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=20)
