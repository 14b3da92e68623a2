"""The commands of an operator against a running director: drain, wait, why, status and watch."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from hadirector.cli import main
from tests.lab.loopback import RunningDirector, WebServer, free_ports
from tests.waiting import eventually

PROGRAM = str(Path(sys.executable).with_name("hadirector"))


@pytest.fixture
def web() -> Iterator[WebServer]:
    server = WebServer()
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture
def director(tmp_path: Path, web: WebServer) -> Iterator[RunningDirector]:
    directory = tmp_path / "lb1"
    real_servers = f"real_servers: [{{address: '127.0.0.1:{web.port}'}}]"
    check = "check: {type: tcp, interval: 200ms, timeout: 1s}"
    ports = free_ports(2)
    running = RunningDirector(
        directory,
        f"director: {{name: lb1, dataplane: userspace, runtime_directory: {directory}/run,"
        f" state_directory: {directory}/state}}\n"
        f"api: {{unix: {directory}/run/api.sock}}\n"
        "virtual_servers:\n"
        f"  - {{name: web, address: '127.0.0.1:{ports[0]}', scheduler: rr, {check},"
        f" {real_servers}}}\n"
        f"  - {{name: api, address: '127.0.0.1:{ports[1]}', scheduler: rr, {check},"
        f" {real_servers}}}\n",
    )
    try:
        eventually(running.answers, 30.0, "the API")
        yield running
    finally:
        running.end()


def run(director: RunningDirector, *words: str) -> subprocess.CompletedProcess[str]:
    arguments = [PROGRAM, *words, "--socket", f"{director.directory}/run/api.sock"]
    return subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=60)


def connect(director: RunningDirector) -> socket.socket:
    """Open a connection through the virtual server web."""
    address = director.status().virtual_servers[0].address
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=10)


def test_a_host_is_drained_in_all_its_pools_and_waited_for(
    director: RunningDirector, web: WebServer
) -> None:
    assert run(director, "wait", "ok", "--timeout", "30").returncode == 0
    assert run(director, "status", "--quiet").returncode == 0
    name = f"web/127.0.0.1:{web.port}"
    with connect(director):
        drained = run(director, "drain", "host", "127.0.0.1", "--reason", "kernel")
        assert drained.returncode == 0
        assert drained.stdout.count("draining, by ") == 2
        waited = run(director, "wait", "drained", name, "--timeout", "1")
        assert waited.returncode == 1
        assert "1 connections left" in waited.stderr
    assert run(director, "wait", "drained", "host", "127.0.0.1").returncode == 0
    problems = run(director, "status", "--problems")
    assert problems.returncode == 1
    assert problems.stdout.count("[no_server_serves") == 2
    assert run(director, "undrain", "host", "127.0.0.1").returncode == 0
    assert run(director, "wait", "ok", "--timeout", "10").returncode == 0


def test_a_drain_on_a_terminal_shows_its_progress_until_ctrl_c(
    director: RunningDirector, web: WebServer
) -> None:
    """The drain goes on after Ctrl-C, and ends with the last connection."""
    assert run(director, "wait", "ok", "--timeout", "30").returncode == 0
    name = f"web/127.0.0.1:{web.port}"
    with connect(director):
        words = [PROGRAM, "drain", name, "--socket", f"{director.directory}/run/api.sock"]
        status, written = on_a_terminal(words, until="\033[F\033[K")
        assert status == 130
        assert "1 of 1 left" in written
        assert f"the drain goes on; `hadirector wait drained {name}` waits for its end" in written
    assert run(director, "wait", "drained", name, "--timeout", "20").returncode == 0


def test_the_live_view_marks_figures_that_are_old(director: RunningDirector) -> None:
    """The director is stopped, so that it answers nothing."""
    assert run(director, "wait", "ok", "--timeout", "30").returncode == 0
    pid = director.process.pid

    def stop() -> None:
        os.kill(pid, signal.SIGSTOP)

    words = [PROGRAM, "watch", "--socket", f"{director.directory}/run/api.sock"]
    try:
        status, written = on_a_terminal(words, until="as of 3 s ago", after_start=stop)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert status == 0
    shown = re.sub(r"\033\[[0-9;?]*[A-Za-z]", "", written)
    assert "OK  lb1: 2 real servers of 2 virtual servers pass" in shown
    assert "(live)" in shown


def on_a_terminal(
    words: list[str], *, until: str, after_start: Callable[[], None] | None = None
) -> tuple[int, str]:
    """Run a command on a terminal until it has written a text; then press Ctrl-C.

    Return the exit code and what it has written. ``after_start`` is called at its first output.
    """
    control, terminal = pty.openpty()
    process = subprocess.Popen(
        words,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "24"},
        start_new_session=True,
    )
    os.close(terminal)
    written = ""
    try:
        end = time.monotonic() + 40.0
        while time.monotonic() < end and until not in written:
            written += read(control)
            if written and after_start is not None:
                after_start()
                after_start = None
        written += read(control)
        process.send_signal(signal.SIGINT)
        while process.poll() is None and time.monotonic() < end:
            written += read(control)
        written += read(control)
        return process.wait(10.0), written
    finally:
        process.kill()
        process.wait()
        os.close(control)


def read(control: int) -> str:
    """Return what arrives at a terminal within 0.2 s."""
    with suppress(OSError):  # EIO: the terminal has no other user any more
        if select.select([control], [], [], 0.2)[0]:
            return os.read(control, 65536).decode()
    return ""


def test_why_explains_the_pool_and_readiness(
    director: RunningDirector, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(director, "wait", "ok", "--timeout", "30").returncode == 0
    place = ["--socket", f"{director.directory}/run/api.sock"]
    assert main(["why", "web", *place]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].endswith("1 of 1 real servers serve, 0 + 0 connections")
    assert shown[1] == "  no VRRP instance has its address"
    assert shown[2] == "  quorum: weight 1 passes, 1 needed: the pool has its quorum"
    assert main(["why", "readiness", *place]) == 0
    assert capsys.readouterr().out.startswith("ready: this director could serve now\n")
    assert main(["why", "wbe", *place]) == 1
    assert "did you mean web?" in capsys.readouterr().err
