"""A director that runs out of file descriptors goes on, and recovers by itself."""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hadirector.api.client import request
from tests.lab.loopback import RunningDirector, memory
from tests.waiting import eventually

SERVICE = ("127.0.32.1", 8032)
BACKEND = ("127.0.32.2", 8033)
LIMIT = 256


@pytest.fixture
def director(tmp_path: Path) -> Iterator[RunningDirector]:
    """A director whose one real server accepts every connection and never answers."""
    directory = tmp_path / "lb1"
    file = (
        f"director: {{name: lb1, dataplane: userspace, runtime_directory: {directory}/run}}\n"
        f"api: {{unix: {directory}/run/api.sock}}\n"
        "virtual_servers:\n"
        f"  - {{name: web, address: '{SERVICE[0]}:{SERVICE[1]}', scheduler: rr, forwarding: nat,"
        " check: {type: tcp, interval: 1s},"
        f" real_servers: [{{address: '{BACKEND[0]}:{BACKEND[1]}'}}]}}\n"
    )
    with socket.create_server(BACKEND, backlog=4096):
        running = RunningDirector(directory, file)
        try:
            eventually(lambda: has_weight(running), 30.0, "the real server has its weight")
            yield running
        finally:
            running.end()


def has_weight(director: RunningDirector) -> bool:
    with contextlib.suppress(Exception):
        [server] = director.status().virtual_servers
        return server.real_servers[0].actual_weight == 1
    return False


def checks_restarted(director: RunningDirector, restarts: int) -> bool:
    with contextlib.suppress(Exception):
        return director.restarts("checks") >= restarts and director.pid("checks") is not None
    return False


@contextlib.contextmanager
def slow_clients(number: int) -> Iterator[None]:
    with contextlib.ExitStack() as clients:
        for _ in range(number):
            client = clients.enter_context(socket.socket())
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                client.connect(SERVICE)
        yield


def assert_it_works(director: RunningDirector) -> None:
    """Reload, and lose and restart the checks process."""
    path = str(director.directory / "run/api.sock")
    request(path, "POST", "/v1/reload")
    before = director.restarts("checks")
    director.kill("checks")
    eventually(lambda: checks_restarted(director, before + 1), 20.0, "the checks process is back")
    eventually(lambda: has_weight(director), 20.0, "the real server has its weight")


def assert_log_is_short(director: RunningDirector) -> None:
    assert "Traceback" not in director.log
    assert len(director.log.splitlines()) < 100, director.log


def test_slow_clients_leave_the_director_its_descriptors(director: RunningDirector) -> None:
    resource.prlimit(director.process.pid, resource.RLIMIT_NOFILE, (LIMIT, LIMIT))
    with slow_clients(2 * LIMIT):
        time.sleep(1.0)
        assert_it_works(director)
        assert "connections_refused" in director.log
    assert_log_is_short(director)


def test_a_director_without_any_descriptor_recovers(director: RunningDirector) -> None:
    pid = director.process.pid
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    in_use = len(os.listdir(f"/proc/{pid}/fd"))
    checks = director.pid("checks")
    assert checks is not None
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (in_use - 2, limits[1]))
    with slow_clients(50), contextlib.ExitStack() as callers:
        for _ in range(50):
            caller = callers.enter_context(socket.socket(socket.AF_UNIX))
            caller.connect(str(director.directory / "run/api.sock"))
        os.kill(checks, 9)
        time.sleep(3.0)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
    eventually(lambda: checks_restarted(director, 1), 30.0, "the checks process is back")
    assert_it_works(director)
    with socket.create_connection(SERVICE, timeout=5.0):
        pass
    assert_log_is_short(director)


def test_a_thousand_slow_clients_cost_little_memory_and_no_verdict(
    director: RunningDirector,
) -> None:
    """They connect and neither write nor read."""
    pid = director.process.pid
    idle = memory(pid)
    with slow_clients(1000):
        time.sleep(2.0)
        assert memory(pid) < 2 * idle
        [server] = director.status().virtual_servers
        assert server.active_connections > 900
        assert_it_works(director)
    assert_log_is_short(director)
