"""A checks worker that gets too little processor time, or none, condemns no healthy target.

Every verdict changes at the first contrary result (``rise: 1``, ``fall: 1``).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from checks.definition.check import CheckDefinition, Limits, Timing
from checks.definition.options import AgentProbe, HttpProbe, Probe
from checks.definition.result import Reason, Result, Verdict
from hadirector.api.client import request
from hadirector.health.workers import Workers
from hadirector.processes.messages import CheckStatistics, VerdictChanged
from hadirector.processes.supervisor import ChildStarted
from tests.lab.loopback import RunningDirector, WebServer, free_ports
from tests.processor_time import processor_seconds
from tests.waiting import eventually, eventually_async

pytestmark = pytest.mark.timeout(120)

TARGETS = 40
TIMING = Timing(interval=0.25, timeout=1.0, rise=1, fall=1)
START_SECONDS = 20.0
SHORT_TURN_SECONDS = 0.137
"""A turn as long as the interval of the probes could stop a worker only between its probes."""
LONG_TURN_SECONDS = 1.5
"""A stop of this length is longer than the timeout of the probes."""
NEED_SECONDS = 1.5
STARVED_SECONDS = 4.0
HUNG = "hung"
CPU_CGROUPS = Path("/sys/fs/cgroup/cpu")
PERIOD_MICROSECONDS = 200_000
QUOTA_MICROSECONDS_MIN = 1000


class SlowServers:
    """The process of `tests.lab.slow_servers`."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.lab.slow_servers"], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.agent_port, self.web_port = map(int, self.process.stdout.readline().split())

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def servers() -> Iterator[SlowServers]:
    made = SlowServers()
    yield made
    made.end()


@pytest.fixture
def hanging() -> Iterator[SlowServers]:
    """Servers that a test may stop; the kernel still accepts their connections."""
    made = SlowServers()
    yield made
    made.end()


class Director:
    """Receives the messages of the worker, as the director does."""

    def __init__(self, checks: dict[str, CheckDefinition]) -> None:
        self.workers = Workers(self.receive)
        self.workers.configure(checks, Limits(None, None))
        self.verdicts: dict[str, Verdict] = {}
        self.failures: list[tuple[str, Result]] = []
        self.results: dict[str, Result] = {}

    async def receive(self, message: object) -> None:
        match message:
            case ChildStarted():
                self.workers.send({}, message.name)
            case VerdictChanged():
                self.verdicts[message.check] = message.verdict
                if message.verdict is Verdict.FAILING:
                    self.failures.append((message.check, message.result))
            case CheckStatistics():
                self.results.update(message.latest)

    @property
    def worker(self) -> int:
        """The process id of the worker."""
        pid = self.workers.children[0].pid
        assert pid is not None
        return pid

    async def wait_until_all_pass(self) -> None:
        await eventually_async(
            lambda: list(self.verdicts.values()).count(Verdict.PASSING),
            START_SECONDS,
            expected=TARGETS + 1,
        )


@asynccontextmanager
async def directing(servers: SlowServers, hanging: SlowServers) -> AsyncIterator[Director]:
    """Run a worker whose targets all pass."""
    web, agent = HttpProbe(), AgentProbe()
    checks = {
        f"{number}": _check(f"{number}", servers, web if number % 2 else agent, number)
        for number in range(1, TARGETS + 1)
    }
    checks[HUNG] = _check(HUNG, hanging, web, 1)
    director = Director(checks)
    running = asyncio.create_task(director.workers.run())
    try:
        await director.wait_until_all_pass()
        yield director
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(director.worker, signal.SIGCONT)
        director.workers.stop()
        async with asyncio.timeout(20):
            await running


def _check(identity: str, servers: SlowServers, probe: Probe, number: int) -> CheckDefinition:
    port = servers.web_port if isinstance(probe, HttpProbe) else servers.agent_port
    return CheckDefinition(
        identity=identity, address=f"127.0.2.{number}", port=port, probe=probe, timing=TIMING
    )


@contextlib.contextmanager
def limited(pid: int, processors: float) -> Iterator[None]:
    """Limit a process to this part of a processor: by a cgroup, or else by stopping it."""
    group = CPU_CGROUPS / f"hadirector-test-{os.getpid()}"
    try:
        group.mkdir()
    except OSError:
        with _stopped_again_and_again(pid, processors):
            yield
        return
    quota = max(QUOTA_MICROSECONDS_MIN, int(processors * PERIOD_MICROSECONDS))
    try:
        (group / "cpu.cfs_period_us").write_text(str(PERIOD_MICROSECONDS))
        (group / "cpu.cfs_quota_us").write_text(str(quota))
        (group / "cgroup.procs").write_text(str(pid))
        yield
    finally:
        for process in (group / "cgroup.procs").read_text().split():
            (CPU_CGROUPS / "cgroup.procs").write_text(process)
        group.rmdir()


@contextlib.contextmanager
def _stopped_again_and_again(
    pid: int, processors: float, turn: float = LONG_TURN_SECONDS
) -> Iterator[None]:
    """Let a process run for this part of the time, in turns of this length in seconds."""
    ended = threading.Event()

    def alternate() -> None:
        while not ended.is_set():
            os.kill(pid, signal.SIGSTOP)
            time.sleep(turn * (1 - processors))
            os.kill(pid, signal.SIGCONT)
            time.sleep(turn * processors)

    thread = threading.Thread(target=alternate, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(1.0)


async def need_of(pid: int) -> float:
    """Measure the part of a processor that a process needs."""
    before = processor_seconds(pid)
    await asyncio.sleep(NEED_SECONDS)
    return (processor_seconds(pid) - before) / NEED_SECONDS


async def find_the_hung(director: Director, hanging: SlowServers) -> None:
    """Check that a server that hangs is found, and that no other target has failed."""
    hanging.process.send_signal(signal.SIGSTOP)
    await eventually_async(
        lambda: director.verdicts[HUNG], START_SECONDS, "the hung server", expected=Verdict.FAILING
    )
    assert [identity for identity, _ in director.failures] == [HUNG]


@pytest.mark.parametrize(
    ("by", "part"), [("quota", 0.25), ("quota", 0.1), ("quota", 0.05), ("stops", 0.1)]
)
async def test_a_worker_with_a_part_of_the_processor_it_needs(
    servers: SlowServers, hanging: SlowServers, part: float, by: str
) -> None:
    """The results that it cannot trust are discarded, and it finds a hung server afterwards."""
    async with directing(servers, hanging) as director:
        processors = part * await need_of(director.worker)
        limit = limited if by == "quota" else _stopped_again_and_again
        with limit(director.worker, processors):
            await asyncio.sleep(STARVED_SECONDS)
            assert director.failures == []
        if part < 0.25:  # with a quarter, the probes are late, but most of them pass in time
            await eventually_async(
                lambda: sum(director.workers.statistics.discarded.values()),
                START_SECONDS,
                "discarded results",
            )
        assert director.workers.statistics.unattended > STARVED_SECONDS / 3
        await find_the_hung(director, hanging)


@pytest.mark.parametrize("seconds", [1.2, 9.0])
async def test_a_worker_that_is_stopped(
    servers: SlowServers, hanging: SlowServers, seconds: float
) -> None:
    """Its probes in progress get no result, and it finds a hung server afterwards."""
    async with directing(servers, hanging) as director:
        for _ in range(3 if seconds == 1.2 else 1):
            os.kill(director.worker, signal.SIGSTOP)
            await asyncio.sleep(seconds)
            os.kill(director.worker, signal.SIGCONT)
            await asyncio.sleep(1.5)
        assert director.failures == []
        assert director.workers.statistics.discarded.get(Reason.TIMEOUT, 0) > 0
        assert director.workers.statistics.unattended > seconds * 0.8
        await find_the_hung(director, hanging)


CONFIGURATION = """
director: {{dataplane: userspace, runtime_directory: {directory}/run}}
virtual_servers:
  - name: web
    address: 127.0.0.110:{port}
    check: {{type: tcp, interval: 100ms, timeout: 100ms, fall: 1}}
    real_servers: [{{address: 127.0.0.1:{web_port}}}]
"""


def test_a_starved_worker_is_an_event_and_a_metric(tmp_path: Path) -> None:
    """It begins and ends with the want of processor time. The real server stays in the pool."""
    web = WebServer()
    directory = tmp_path / "lb"
    text = CONFIGURATION.format(directory=directory, port=free_ports(1)[0], web_port=web.port)
    director = RunningDirector(directory, text)
    socket = str(directory / "run" / "api.sock")

    def has_event(name: str) -> bool:
        return f'"event": "{name}"' in director.log

    try:
        eventually(lambda: '"verdict": "passing"' in director.log, START_SECONDS, "passing")
        pid = director.pid("checks")
        assert pid is not None
        with _stopped_again_and_again(pid, 0.3, SHORT_TURN_SECONDS):
            eventually(lambda: has_event("checks_worker_starved"), START_SECONDS, "starved")
            assert director.status().unattended_seconds > 1.0
            metrics = request(socket, "GET", "/metrics").decode()
            assert "hadirector_checks_unattended_seconds_total" in metrics
            assert "hadirector_probe_lateness_seconds_bucket" in metrics
        eventually(lambda: has_event("checks_worker_recovered"), START_SECONDS, "recovered")
        assert '"verdict": "failing"' not in director.log
    finally:
        director.end()
        web.kill()
