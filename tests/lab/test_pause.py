"""A pause of a real pair: roles stay, weights stay, and the end catches up."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.loopback import RunningDirector, WebServer
from tests.waiting import eventually

PROGRAM = str(Path(sys.executable).with_name("hadirector"))


class Pair:
    """Two directors that check one web server and track its pool."""

    def __init__(self, directory: Path) -> None:
        self.web = WebServer()
        self.directors = [self._director(directory, number) for number in (1, 2)]

    def _director(self, directory: Path, number: int) -> RunningDirector:
        own = directory / f"lb{number}"
        return RunningDirector(
            own,
            f"director: {{name: lb{number}, dataplane: userspace, runtime_directory: {own}/run,"
            f" state_directory: {own}/state}}\n"
            f"api: {{unix: {own}/run/api.sock}}\n"
            "vrrp:\n"
            f"  - {{name: web, interface: lo, virtual_router_id: 57, priority: {250 - 50 * number},"
            " advert_interval: 100ms, virtual_addresses: [127.0.39.100], transport: udp,"
            f" unicast: {{source: 127.0.39.{number}, peers: [127.0.39.{3 - number}]}},"
            f" track: [{{pool: web, weight: -{100 * (number == 1) or 1}}}]}}\n"
            "virtual_servers:\n"
            f"  - {{name: web, address: '127.0.39.1{number}:8039', scheduler: rr, forwarding: nat,"
            " check: {type: http, interval: 200ms, timeout: 100ms},"
            f" real_servers: [{{address: '127.0.0.1:{self.web.port}'}}]}}\n",
        )

    def end(self) -> None:
        for director in self.directors:
            director.end()
        if self.web.process.poll() is None:
            self.web.kill()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    made = Pair(tmp_path)
    try:
        yield made
    finally:
        made.end()


def command(director: RunningDirector, *words: str) -> str:
    socket = str(director.directory / "run" / "api.sock")
    ended = subprocess.run(
        [PROGRAM, *words, "--socket", socket],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ended.stdout + ended.stderr


def test_roles_and_weights_stay_until_the_end_of_the_pause(pair: Pair) -> None:
    first, second = pair.directors
    for director in pair.directors:
        eventually(director.is_healthy, 30.0)
    eventually(first.is_active, 10.0)
    words = ("--reason", "switch", "--for", "1h", "--elections")
    assert "the roles of VRRP instances are frozen" in command(first, "pause", *words)
    pair.web.kill()
    eventually(lambda: "passing (paused; now failing)" in command(first, "status"), 10.0)
    eventually(lambda: second.status().instances[0].priority == 149, 10.0)
    assert command(first, "restart").startswith("restarted")
    eventually(lambda: "paused" in command(first, "status"), 10.0)
    status = first.status()
    assert (status.instances[0].priority, first.is_active()) == (200, True)
    assert "web: ACTIVE" in command(first, "why", "instance", "web")
    assert command(first, "resume") == "resumed\n"
    eventually(second.is_active, 10.0)
    eventually(lambda: not first.is_active(), 5.0, "the handover of the first director")
    history = command(second, "history", "failover")
    assert "BACKUP -> ACTIVE" in history
    assert "127.0.39.1 was silent for 0." in history
