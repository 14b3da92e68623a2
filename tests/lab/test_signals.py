"""Signals at random moments of a start, a restart and a stop never end a director by themselves.

The default action of SIGHUP, SIGTERM and SIGINT ends a process. The director is started as its
systemd unit starts it, with these signals blocked, because the Python interpreter needs some
milliseconds before the first instruction of the director.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from hadirector.api.client import ApiError, request
from hadirector.lab.topology import Host, Network
from hadirector.status.report import Status
from tests.lab.routers import VIRTUAL_ADDRESS, Listener
from tests.waiting import eventually
from vrrp.model.report import State

pytestmark = [pytest.mark.netns, pytest.mark.timeout(600)]

MOMENTS = 150
"""Signals of each kind that are sent during starts and stops; the restarts add 50."""
RESTART_MOMENTS = 50
LIVES_MAX = 400
START_SECONDS = 1.0
EXIT_SECONDS = 20.0
BLOCKING = ("env", "--block-signal=TERM", "--block-signal=INT", "--block-signal=HUP")
KINDS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
CONFIGURATION = """\
director: {{name: lb1, dataplane: dry-run, runtime_directory: {directory}/run}}
vrrp:
  - name: web
    interface: eth0
    virtual_router_id: 51
    priority: 200
    advert_interval: 500ms
    virtual_addresses: [10.99.0.100]
"""


class Life:
    """One director from its start to its exit, alone on a link."""

    def __init__(self, host: Host, directory: Path) -> None:
        self._host = host
        self._socket = f"{directory}/run/api.sock"
        self._log = directory / "log"
        file = directory / "director.yaml"
        file.write_text(CONFIGURATION.format(directory=directory))
        command = [*BLOCKING, sys.executable, "-m", "hadirector", "run", "-c", str(file)]
        with self._log.open("w") as log:
            self.process = host.start(*command, output=log)
        eventually(self._blocks, 5.0, "the program with its signals blocked")

    def send(self, kind: signal.Signals) -> bool:
        """Send a signal; return False if the director has exited."""
        if self.process.poll() is not None:
            return False
        os.kill(self.process.pid, kind)
        return True

    def status(self) -> Status | None:
        try:
            return msgspec.json.decode(request(self._socket, "GET", "/v1/status"), type=Status)
        except ApiError:
            return None

    def restart(self) -> None:
        request(self._socket, "POST", "/v1/restart")

    def become_active(self) -> None:
        eventually(lambda: self._host.holds(VIRTUAL_ADDRESS), 20.0, "ACTIVE")

    def log(self) -> str:
        return self._log.read_text()

    def expect_orderly_exit(self) -> None:
        try:
            status = self.process.wait(EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            pytest.fail(
                f"no exit {EXIT_SECONDS:g} s after the last signal:\n{self._log.read_text()}"
            )
        log = self._log.read_text()
        assert status == 0, log
        assert "Traceback" not in log
        assert not self._host.holds(VIRTUAL_ADDRESS), log

    def _blocks(self) -> bool:
        fields = Path(f"/proc/{self.process.pid}/status").read_text()
        blocked = int(fields.partition("SigBlk:")[2].split()[0], 16)
        return bool(blocked >> (signal.SIGTERM - 1) & 1)


@pytest.fixture
def host(network: Network) -> Host:
    return network.host("director", "10.99.0.1/24")


def moments(chance: random.Random, count: int, seconds: float) -> Iterator[None]:
    """Wait for ``count`` random moments within the next seconds."""
    began = time.monotonic()
    for moment in sorted(chance.uniform(0.0, seconds) for _ in range(count)):
        time.sleep(max(0.0, began + moment - time.monotonic()))
        yield


def test_signals_during_a_start_and_a_stop_end_it_in_order(host: Host, tmp_path: Path) -> None:
    chance, sent = random.Random(1), Counter[signal.Signals]()
    for number in range(LIVES_MAX):
        if min(sent[kind] for kind in KINDS) >= MOMENTS:
            break
        life = Life(host, tmp_path)
        for _ in moments(chance, 3, chance.uniform(0.0, START_SECONDS)):
            sent[signal.SIGHUP] += life.send(signal.SIGHUP)
        stop = KINDS[number % 2]
        sent[stop] += life.send(stop)
        for _ in moments(chance, 9, chance.choice((0.05, 0.1, 0.3))):
            kind = chance.choice(KINDS)
            sent[kind] += life.send(kind)
        life.expect_orderly_exit()
    assert min(sent[kind] for kind in KINDS) >= MOMENTS, sent


def test_signals_during_a_start_alone_stop_it(host: Host, tmp_path: Path) -> None:
    """The first signal comes at a random moment of the start and is SIGTERM or SIGINT."""
    chance = random.Random(2)
    for number in range(20):
        life = Life(host, tmp_path)
        for _ in moments(chance, 1, START_SECONDS):
            life.send(KINDS[number % 2])
        life.expect_orderly_exit()


def test_sighup_during_restarts_gives_no_address_up(
    network: Network, host: Host, tmp_path: Path
) -> None:
    """The vrrp process and the address stay, and the director answers after each restart."""
    chance, sent = random.Random(3), 0
    witness = network.host("witness", "10.99.0.2/24")
    life = Life(host, tmp_path)
    life.become_active()
    vrrp = processes(life)["vrrp"]
    with Listener(witness) as listener:
        while sent < RESTART_MOMENTS:
            life.restart()
            for _ in moments(chance, 10, START_SECONDS):
                sent += life.send(signal.SIGHUP)
            eventually(lambda: life.status() is not None, 20.0, "an answer after the restart")
        heard = listener.heard()
    assert life.process.poll() is None
    assert processes(life)["vrrp"] == vrrp
    assert host.holds(VIRTUAL_ADDRESS)
    assert {each.priority for each in heard} == {200}, life.log()
    life.send(signal.SIGTERM)
    life.expect_orderly_exit()


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_during_a_restart_is_remembered(
    host: Host, tmp_path: Path, stop: signal.Signals
) -> None:
    """The new program adopts the vrrp process, and then stops and hands over in order."""
    chance, sent = random.Random(stop), 0
    while sent < RESTART_MOMENTS:
        life = Life(host, tmp_path)
        life.become_active()
        life.restart()
        for _ in moments(chance, 10, START_SECONDS):
            sent += life.send(stop)
        life.expect_orderly_exit()


def processes(life: Life) -> dict[str, int | None]:
    """Return the children of a director whose instance is ACTIVE."""

    def is_active() -> bool:
        found = life.status()
        return found is not None and [each.state for each in found.instances] == [State.ACTIVE]

    eventually(is_active, 5.0, "a report of the instance")
    status = life.status()
    assert status is not None
    return {process.name: process.pid for process in status.processes}
