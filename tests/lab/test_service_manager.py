"""What a real director tells the service manager that started it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import pytest

from hadirector.api.client import request
from tests.lab.loopback import RunningDirector, WebServer
from tests.waiting import eventually

SERVICE = """\
director: {{name: lb1, dataplane: userspace, runtime_directory: {directory}/run,
  state_directory: {directory}/state}}
api: {{unix: {directory}/run/api.sock}}
virtual_servers:
  - {{name: web, address: '127.0.44.1:8044', scheduler: rr, forwarding: nat,
     check: {{type: http, interval: 200ms}}, real_servers: [{{address: '127.0.0.1:{port}'}}]}}
"""


class Manager:
    """A service manager: the socket, and all assignments that it has received."""

    def __init__(self, socket_: socket.socket) -> None:
        self._socket = socket_
        self._socket.setblocking(False)
        self.assignments: list[str] = []

    def read(self) -> list[str]:
        """Return all assignments until now."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self.assignments += self._socket.recv(4096).decode().split("\n")
        return self.assignments

    def heard(self, *wanted: str) -> Callable[[], bool]:
        """Return a condition: these assignments have come, in this order."""

        def found() -> bool:
            assignments = iter(self.read())
            return all(each in assignments for each in wanted)

        return found


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Manager]:
    """A service manager that watches the directors that the test starts."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "3000000")
        yield Manager(receiver)


@pytest.fixture
def director(tmp_path: Path, manager: Manager) -> Iterator[RunningDirector]:
    """A director that is ready."""
    web = WebServer()
    directory = tmp_path / "lb1"
    running = RunningDirector(directory, SERVICE.format(directory=directory, port=web.port))
    try:
        eventually(manager.heard("READY=1"), 20.0, "the director is ready")
        yield running
    finally:
        running.end()
        web.kill()


def test_the_director_is_ready_and_tells_its_state(
    director: RunningDirector, manager: Manager
) -> None:
    eventually(manager.heard("STATUS=1 of 1 targets pass"), 10.0, "the state")
    eventually(manager.heard("WATCHDOG=1", "WATCHDOG=1"), 10.0, "the watchdog is fed")


def test_a_reload_is_told_also_when_it_is_refused(
    director: RunningDirector, manager: Manager
) -> None:
    path = str(director.directory / "run/api.sock")
    manager.read().clear()
    before = monotonic()
    request(path, "POST", "/v1/reload")
    eventually(manager.heard("RELOADING=1", "READY=1"), 10.0, "the reload")
    [moment] = [each for each in manager.read() if each.startswith("MONOTONIC_USEC=")]
    assert before < int(moment.partition("=")[2]) / 1e6 < monotonic()
    manager.read().clear()
    director.file.write_text("director: []")
    os.kill(director.process.pid, signal.SIGHUP)
    eventually(manager.heard("RELOADING=1", "READY=1"), 10.0, "the refused reload")


def test_the_next_program_is_ready_too(director: RunningDirector, manager: Manager) -> None:
    manager.read().clear()
    request(str(director.directory / "run/api.sock"), "POST", "/v1/restart")
    eventually(
        manager.heard("STATUS=restarting with a new program", "READY=1", "WATCHDOG=1"),
        20.0,
        "the new program",
    )


def test_a_stop_is_told_with_the_time_that_it_may_take(
    director: RunningDirector, manager: Manager
) -> None:
    director.process.terminate()
    wanted = ("STOPPING=1", "EXTEND_TIMEOUT_USEC=30000000", "STATUS=handing over and stopping")
    eventually(manager.heard(*wanted), 10.0, "the stop")
    assert director.process.wait(10.0) == 0


def test_children_do_not_speak_for_the_director(director: RunningDirector) -> None:
    pid = director.pid("checks")
    environment = Path(f"/proc/{pid}/environ").read_bytes()
    assert b"NOTIFY_SOCKET" not in environment
    assert b"WATCHDOG_USEC" not in environment
