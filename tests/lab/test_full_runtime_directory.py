"""Two directors on loopback. The runtime directory of the preferred one is on a full tmpfs.

They are the directors of test_processes.py: ``dataplane: userspace`` and VRRP over UDP.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.loopback import RunningDirector, WebServer, free_ports
from tests.lab.test_processes import CONFIGURATION, VIRTUAL_ADDRESS
from tests.waiting import eventually

pytestmark = [pytest.mark.netns, pytest.mark.timeout(120)]

PREFERRED = {"source": "127.0.1.1", "peer": "127.0.1.2", "priority": 200}
SERVING = {"source": "127.0.1.2", "peer": "127.0.1.1", "priority": 100}
TMPFS_KIB = 64


def fill(directory: Path) -> Path:
    """Write a file until the file system is full."""
    file = directory / "fill"
    with file.open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        for _ in range(10 * TMPFS_KIB):
            filler.write(bytes(1024))
    assert file.stat().st_size <= TMPFS_KIB * 1024
    return file


@pytest.fixture
def tmpfs(tmp_path: Path) -> Iterator[Path]:
    """The runtime directory of the preferred director, on a small tmpfs of its own."""
    directory = tmp_path / "lb1-run"
    directory.mkdir()
    options = f"size={TMPFS_KIB}k,mode=0755"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(directory)], check=True)
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


@pytest.fixture
def web() -> Iterator[WebServer]:
    made = WebServer()
    yield made
    made.kill()


def console(director: RunningDirector, *words: str) -> str:
    """Return what a command prints. `status` of a director that is not fit exits with 1."""
    socket = str(director.directory / "run" / "api.sock")
    command = [sys.executable, "-m", "hadirector", *words, "--socket", socket]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def answers(port: int) -> bool:
    """Whether a request to the virtual address gets an answer."""
    url = f"http://{VIRTUAL_ADDRESS}:{port}/"
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2.0) as answer:
        return bool(answer.status == 200)
    return False


def test_a_full_runtime_directory_does_not_make_an_active_director_that_serves_nothing(
    tmp_path: Path, tmpfs: Path, web: WebServer
) -> None:
    """The preferred director makes its services all the same, takes over and serves.

    A warning states that the next start does not know them. It ends when there is room again.
    """
    port, vrrp_port = free_ports(2)
    ports = {"port": port, "vrrp_port": vrrp_port, "web_port": web.port}
    directors = []

    def start(name: str, runtime: Path, role: dict[str, object]) -> RunningDirector:
        text = CONFIGURATION.format(name=name, runtime=runtime, **role, **ports)
        directors.append(RunningDirector(tmp_path / name, text))
        return directors[-1]

    try:
        serving = start("lb2", tmp_path / "lb2" / "run", SERVING)
        eventually(lambda: serving.is_active() and answers(port), 30.0, "the peer serves")
        filler = fill(tmpfs)
        preferred = start("lb1", tmpfs, PREFERRED)
        (tmp_path / "lb1" / "run").symlink_to(tmpfs)
        eventually(preferred.is_active, 20.0, "the preferred director is ACTIVE")
        for _ in range(30):
            assert answers(port)
            time.sleep(0.05)
        assert preferred.is_active()
        status = preferred.status()
        assert status.virtual_servers[0].real_servers[0].actual_weight == 1
        assert status.unfit == ()
        [warning] = status.warnings
        assert "owned.json cannot be written (No space left on device)" in warning
        assert preferred.log.count('"event": "owned_state_not_stored"') == 1
        filler.unlink()
        eventually(lambda: preferred.status().warnings, 15.0, "no warning", expected=())
        assert "owned_state_stored" in preferred.log
        assert str(port) in (tmpfs / "owned.json").read_text()
    finally:
        for director in directors:
            director.end()


def test_a_director_whose_table_cannot_be_made_stays_out_of_elections(
    tmp_path: Path, web: WebServer
) -> None:
    """Its only virtual server needs a port that another program has. Its peer goes on serving.

    When the port is free, the director takes over by its priority.
    """
    port, vrrp_port = free_ports(2)
    ports = {"port": port, "vrrp_port": vrrp_port, "web_port": web.port}
    directors = []
    listener = None
    try:
        text = CONFIGURATION.format(
            name="lb2", runtime=tmp_path / "lb2" / "run", **SERVING, **ports
        )
        serving = RunningDirector(tmp_path / "lb2", text)
        directors.append(serving)
        eventually(lambda: serving.is_active() and answers(port), 30.0, "the peer serves")
        other = WebServer()
        listener = other
        text = CONFIGURATION.format(
            name="lb1", runtime=tmp_path / "lb1" / "run", **PREFERRED, **ports
        ).replace(f"address: {VIRTUAL_ADDRESS}:{port}", f"address: 127.0.0.1:{other.port}")
        preferred = RunningDirector(tmp_path / "lb1", text)
        directors.append(preferred)
        eventually(lambda: "elections_delayed" in preferred.log, 30.0, "the report of the delay")
        [instance] = preferred.status().instances
        reason = "no virtual service could be added to the table: add service tcp 127.0.0.1:"
        assert instance.fault is not None
        assert instance.fault.startswith(reason)
        assert preferred.status().unfit == (instance.fault,)
        told = console(preferred, "why", "instance", "web")
        assert f"  the instance takes no part in elections: {instance.fault}\n" in told
        assert "  elections_delayed  " in told
        assert f"not fit to serve: {instance.fault}\n" in console(preferred, "status")
        time.sleep(4.5)  # longer than an active-down interval: it does not take over
        assert serving.is_active()
        other.kill()
        listener = None
        eventually(preferred.is_active, 25.0, "the director takes over")
        assert preferred.status().unfit == ()
    finally:
        if listener is not None:
            listener.kill()
        for director in directors:
            director.end()
