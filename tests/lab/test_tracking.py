"""Two directors on one link: an object that the better one tracks fails and recovers.

Director ``better`` has priority 200 and a second interface; ``worse`` has 100. The advertisement
interval is 0.1 s: the peer takes over 361 ms after the last advertisement, or 61 ms after priority
0.
"""

from __future__ import annotations

import contextlib
import subprocess
import time
from pathlib import Path

import msgspec
import pytest

from hadirector.api.client import ApiError, request
from hadirector.lab.topology import Host, Network
from hadirector.status.report import Status
from tests.lab.experiment import start_director
from tests.lab.routers import wait_for_holder
from tests.waiting import eventually
from vrrp.model.report import InstanceStatus, State

pytestmark = [pytest.mark.netns, pytest.mark.timeout(120)]

VIRTUAL_ADDRESS = "10.99.0.100"
CONFIGURATION = """\
director: {{name: {name}, dataplane: dry-run, runtime_directory: {directory}/{name}}}
vrrp:
  - name: web
    interface: eth0
    virtual_router_id: 51
    priority: {priority}
    advert_interval: 100ms
    virtual_addresses: [10.99.0.100]
    {extra}
virtual_servers:
  - name: web
    address: 10.99.0.100:80
    check: {{type: tcp, interval: 100ms, timeout: 100ms, rise: 1, fall: 1}}
    real_servers: [{{address: 127.0.0.1:8080}}]
"""
SECOND_INTERFACE = (
    "link add eth1 type veth peer name far",
    "link set eth1 up",
    "link set far up",
)


class Pair:
    """The two directors, with a real server on the loopback of each."""

    def __init__(self, network: Network, directory: Path) -> None:
        self.better = network.host("better", "10.99.0.1/24")
        self.worse = network.host("worse", "10.99.0.2/24")
        self._directory = directory
        self.better.ip(*SECOND_INTERFACE)

    def start(self, extra: str) -> None:
        """Start both; ``extra`` is one more line for the instance of ``better``."""
        for host, priority, line in ((self.better, 200, extra), (self.worse, 100, "")):
            text = CONFIGURATION.format(
                name=host.name, directory=self._directory, priority=priority, extra=line
            )
            start_director(host, text, self._directory)
        waits = '"state": "BACKUP"'
        eventually(lambda: waits in self.log(self.worse), 15.0, "the worse one takes part")
        self.wait_for_holder(self.better)

    def log(self, host: Host) -> str:
        """Return the log of a director."""
        return (self._directory / f"{host.name}.log").read_text()

    def instance(self, host: Host) -> InstanceStatus | None:
        """Return the director's status of its instance, at most one second old."""
        with contextlib.suppress(ApiError):
            answer = request(f"{self._directory}/{host.name}/api.sock", "GET", "/v1/status")
            instances = msgspec.json.decode(answer, type=Status).instances
            return instances[0] if instances else None
        return None

    def wait_for_arithmetic(self, expected: str) -> None:
        def arithmetic() -> str | None:
            instance = self.instance(self.better)
            return instance.priority_arithmetic if instance else None

        eventually(arithmetic, 10.0, expected=expected)

    def wait_for_fault(self, expected: str | None) -> None:
        def fault() -> str | None:
            instance = self.instance(self.better)
            return instance.fault if instance else "no status"

        eventually(fault, 10.0, expected=expected)

    def wait_for_holder(self, host: Host) -> float:
        """Wait until this host alone holds the address; return the time of that moment."""
        return wait_for_holder((self.better, self.worse), host, (VIRTUAL_ADDRESS,), 15.0)


@pytest.fixture
def pair(network: Network, tmp_path: Path) -> Pair:
    return Pair(network, tmp_path)


def serve(host: Host) -> subprocess.Popen[str]:
    """Start the real server."""
    return host.start("python3", "-m", "http.server", "--bind", "127.0.0.1", "8080")


def test_a_tracked_interface_that_loses_carrier_is_a_fault(pair: Pair) -> None:
    """Priority 0 moves the address to the peer at once. The address returns with the carrier."""
    pair.start("track: [{interface: eth1}]")
    pair.better.ip("link set far down")
    pair.wait_for_holder(pair.worse)
    reason = '"reason": "the active router sent priority 0"'
    eventually(lambda: reason in pair.log(pair.worse), 5.0, reason)
    pair.wait_for_fault("interface eth1 is down")
    pair.better.ip("link set far up")
    pair.wait_for_holder(pair.better)


def test_a_tracked_interface_may_be_removed_and_added_again(pair: Pair) -> None:
    """With a weight it only lowers the priority: the peer takes over by the protocol's rules."""
    pair.start("track: [{interface: eth1, weight: -150}]")
    pair.better.ip("link del eth1")
    pair.wait_for_holder(pair.worse)
    pair.wait_for_arithmetic("200 - 150 (interface eth1) = 50")
    instance = pair.instance(pair.better)
    assert instance is not None
    assert (instance.state, instance.priority) == (State.BACKUP, 50)
    pair.better.ip(*SECOND_INTERFACE)
    pair.wait_for_holder(pair.better)
    pair.wait_for_arithmetic("200")


def test_a_flap_shorter_than_its_delay_changes_nothing(pair: Pair) -> None:
    """On a tracked interface and on the instance's own interface."""
    pair.start("flap_delay: 200ms\n    track: [{interface: eth1, flap_delay: 5s}]")
    pair.better.link_down()
    time.sleep(0.05)
    pair.better.link_up()
    pair.better.ip("link set far down")
    time.sleep(1.0)
    pair.better.ip("link set far up")
    time.sleep(0.5)
    assert pair.better.holds(VIRTUAL_ADDRESS)
    assert not pair.worse.holds(VIRTUAL_ADDRESS)
    eventually(lambda: pair.instance(pair.better) is not None, 5.0, "a status")
    instance = pair.instance(pair.better)
    assert instance is not None
    assert instance.counters["transitions"] == 2  # BACKUP, ACTIVE


def test_a_pool_that_is_lost_moves_the_priority(pair: Pair) -> None:
    """`status` shows the arithmetic. When a real server passes again, the address returns."""
    real_servers = {host: serve(host) for host in (pair.better, pair.worse)}
    pair.start("track: [{pool: web, weight: -150}]")
    pair.wait_for_arithmetic("200")
    pair.better.stop(real_servers[pair.better])
    pair.wait_for_holder(pair.worse)
    pair.wait_for_arithmetic("200 - 150 (pool web) = 50")
    serve(pair.better)
    pair.wait_for_holder(pair.better)
    pair.wait_for_arithmetic("200")


def test_scripts_files_and_processes_move_the_priority(pair: Pair, tmp_path: Path) -> None:
    """Each has its own weight; the last one has none and makes a fault."""
    for each in (tmp_path, *tmp_path.parents[:-2]):
        each.chmod(0o755)  # other users need no access to it
    script, number, switch = tmp_path / "script", tmp_path / "number", tmp_path / "switch"
    script.write_text(f"#!/bin/sh\ntest -e {tmp_path}/good\n")
    script.chmod(0o755)
    (tmp_path / "good").touch()
    number.write_text("2")
    named = tmp_path / "tracked-process"
    named.symlink_to("/bin/sleep")
    process = pair.better.start(str(named), "1000")
    pair.start(
        "track:"
        f"\n      - {{script: {script}, interval: 200ms, rise: 1, fall: 1, weight: -20}}"
        f"\n      - {{file: {number}, weight: 5}}"
        "\n      - {process: tracked-process, weight: -30}"
        f"\n      - {{file: {switch}}}"
    )
    pair.wait_for_arithmetic(f"200 + 10 (file {number}: 2 * 5) = 210")
    (tmp_path / "good").unlink()
    number.write_text("gone wrong")  # the earlier number stays
    pair.wait_for_arithmetic(f"200 - 20 (script {script}) + 10 (file {number}: 2 * 5) = 190")
    switch.write_text("1")
    pair.wait_for_holder(pair.worse)
    pair.wait_for_fault(f"file {switch} contains 1")
    number.unlink()
    switch.unlink()
    (tmp_path / "good").touch()
    pair.wait_for_arithmetic("200")
    pair.wait_for_holder(pair.better)
    pair.better.stop(process)
    pair.wait_for_arithmetic("200 - 30 (process tracked-process) = 170")
