"""The kernel reports the processes that start and end, and the priority follows.

The counter would read /proc only once an hour, so every change in these tests is an event.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hadirector.api.client import ApiError
from hadirector.election import process_counter
from hadirector.election.process_counter import ProcessCounter, Report
from tests.lab.loopback import RunningDirector, free_ports
from tests.lab.process_events import needs_process_events
from tests.waiting import eventually
from vrrp.model.tracked_process import ProcessPattern
from vrrp.tracking import process_connector
from vrrp.tracking.process_connector import ConnectorError, OverrunError, ProcessConnector
from vrrp.tracking.process_events import Event

# The connector needs CAP_NET_ADMIN, and `unshare` needs CAP_SYS_ADMIN.
pytestmark = [
    pytest.mark.netns,
    pytest.mark.timeout(60),
    needs_process_events,
]

NAME = "tracked-one"
ANY, FIRST = ProcessPattern(name=NAME), ProcessPattern(name=NAME, arguments=("1001",))

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts a process with the tracked name and these arguments."""
    program = tmp_path / NAME
    program.symlink_to("/bin/sleep")
    started = []

    def run(*arguments: str) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen([program, *arguments]))
        return started[-1]

    yield run
    for process in started:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait(5.0)


def name_of(process: subprocess.Popen[bytes]) -> str:
    return Path(f"/proc/{process.pid}/comm").read_text().strip()


class Counting:
    """A counter, and its last report."""

    def __init__(self) -> None:
        self.last: Report | Exception = Report({})
        self.counter = ProcessCounter([ANY, FIRST], self.note)

    def note(self, report: Report | Exception) -> None:
        self.last = report

    def wait_for(self, *counts: int) -> None:
        def current() -> object:
            last = self.last
            return tuple(last.counts.values()) if isinstance(last, Report) else last

        eventually(current, 10.0, expected=counts)


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counting]:
    monkeypatch.setattr(process_counter, "POLL_SECONDS", 3600.0)
    made = Counting()
    try:
        made.wait_for(0, 0)
        yield made
    finally:
        made.counter.close()
        eventually(
            lambda: [each.name for each in threading.enumerate() if each.name == "processes"],
            5.0,
            expected=[],
        )


def test_starts_and_ends_are_events(counting: Counting, start: Start) -> None:
    first, other = start("1001"), start("1002")
    counting.wait_for(2, 1)
    end(first)
    counting.wait_for(1, 0)
    end(other)
    counting.wait_for(0, 0)
    assert isinstance(counting.last, Report)
    assert (counting.last.polling, counting.last.error) == (None, None)


def test_a_process_that_executes_another_program_no_longer_counts(
    counting: Counting, start: Start
) -> None:
    """The process id stays the same."""
    program = str(start("1002").args[0])  # type: ignore[index]  # a list, as `start` gives it
    counting.wait_for(1, 0)
    shell = subprocess.Popen(["/bin/sh", "-c", f"exec {program} 1001"])
    counting.wait_for(2, 1)
    end(shell)
    counting.wait_for(1, 0)


def test_after_an_overrun_everything_is_read_once(
    monkeypatch: pytest.MonkeyPatch, start: Start
) -> None:
    """The events of a process are lost. The next event finds the overrun."""
    monkeypatch.setattr(process_counter, "POLL_SECONDS", 3600.0)
    losing, overrun = threading.Event(), threading.Event()

    class Losing(ProcessConnector):
        def receive(self) -> list[Event]:
            events = super().receive()
            if overrun.is_set():
                overrun.clear()
                raise OverrunError
            return [] if losing.is_set() else events

    monkeypatch.setattr(process_counter, "ProcessConnector", Losing)
    counting = Counting()
    try:
        counting.wait_for(0, 0)
        losing.set()
        process = start("1001")
        eventually(lambda: name_of(process), 5.0, expected=NAME)
        time.sleep(0.1)  # for the events
        assert counting.last == Report({ANY: 0, FIRST: 0})
        overrun.set()
        subprocess.run(["/bin/true"], check=True)
        counting.wait_for(1, 1)
    finally:
        counting.counter.close()


def test_the_kernel_reports_an_overrun(monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue has room for a few events."""
    monkeypatch.setattr(process_connector, "RECEIVE_BYTES", 4096)
    with contextlib.closing(ProcessConnector()) as connector:
        for _ in range(20):
            subprocess.run(["/bin/true"], check=True)
        with pytest.raises(OverrunError):
            receive_often(connector)
        connector.discard()


def receive_often(connector: ProcessConnector) -> None:
    for _ in range(100):
        connector.receive()


def test_without_events_the_end_of_a_process_is_noticed_by_its_pidfd(
    monkeypatch: pytest.MonkeyPatch, start: Start
) -> None:
    """The reason is reported. Only the next scan would find a new process."""

    def refuse() -> ProcessConnector:
        raise ConnectorError("the kernel refuses process events: Connection refused")

    monkeypatch.setattr(process_counter, "ProcessConnector", refuse)
    monkeypatch.setattr(process_counter, "POLL_SECONDS", 3600.0)
    process = start("1001")
    eventually(lambda: name_of(process), 5.0, expected=NAME)
    counting = Counting()
    try:
        counting.wait_for(1, 1)
        end(process)
        counting.wait_for(0, 0)
        assert isinstance(counting.last, Report)
        assert counting.last.polling == "the kernel refuses process events: Connection refused"
    finally:
        counting.counter.close()


def test_in_another_network_namespace_the_kernel_refuses_events() -> None:
    """The director then reads /proc once a second."""
    program = (
        "from vrrp.tracking.process_connector import ConnectorError, ProcessConnector\n"
        "try: ProcessConnector()\n"
        "except ConnectorError as error: print(error)\n"
    )
    command = ["unshare", "--net", sys.executable, "-c", program]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    assert answer.stdout == "the kernel refuses process events: Connection refused\n"


CONFIGURATION = """\
director: {{name: lb1, dataplane: dry-run, runtime_directory: {directory}/run}}
vrrp:
  - name: web
    interface: lo
    virtual_router_id: 51
    advert_interval: 100ms
    virtual_addresses: [127.0.0.111]
    transport: udp
    unicast: {{source: 127.0.1.11, peers: [127.0.1.12], port: {port}}}
    track:
      - {{process: {{name: tracked-one, arguments: ['1001']}}, weight: 10}}
      - {{process: {{name: tracked-one, arguments: ['1002']}}, weight: 20}}
      - {{process: {{name: tracked-one, at_least: 2}}, weight: 40}}
"""


def test_the_priority_follows_the_processes(tmp_path: Path, start: Start) -> None:
    """Arguments tell two processes of one name apart."""
    (port,) = free_ports(1)
    directory = tmp_path / "director"
    director = RunningDirector(directory, CONFIGURATION.format(directory=directory, port=port))

    def wait_for(priority: str) -> None:
        def arithmetic() -> str | None:
            with contextlib.suppress(ApiError):
                instances = director.status().instances
                return instances[0].priority_arithmetic if instances else None
            return None

        eventually(arithmetic, 20.0, expected=priority)

    one, two = "process tracked-one 1001", "process tracked-one 1002"
    both = "process tracked-one (at least 2)"
    try:
        wait_for("100")
        first = start("1001")
        wait_for(f"100 + 10 ({one}) = 110")
        second = start("1002")
        wait_for(f"100 + 10 ({one}) + 20 ({two}) + 40 ({both}) = 170")
        assert director.status().process_polling is None
        end(first)
        wait_for(f"100 + 20 ({two}) = 120")
        end(second)
        wait_for("100")
        eventually(
            lambda: director.log.count('"event": "tracked_process_changed"') >= 9, 5.0, "the log"
        )
    finally:
        director.end()
