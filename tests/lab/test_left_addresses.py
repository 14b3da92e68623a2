"""Virtual addresses on a real interface after the processes that held them were killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.experiment import DIRECTOR_ADDRESSES, start_director
from tests.waiting import eventually

pytestmark = pytest.mark.netns

VIRTUAL_ADDRESS = "192.168.122.22"
ADVERT_INTERVAL = 0.5
CONFIGURATION = """\
director: {{name: lb1, dataplane: dry-run, runtime_directory: {directory}/lb1}}
vrrp:
  - name: web
    interface: eth0
    virtual_router_id: 51
    priority: 200
    advert_interval: 500ms
    virtual_addresses: [192.168.122.22]
"""


ROUTES = """\
    virtual_routes:
      - {destination: 10.50.0.0/16, gateway: 192.168.122.99, table: 100}
      - {destination: 10.51.0.0/16, gateway: 192.168.122.99, source: 192.168.122.22}
    virtual_rules: [{priority: 1000, from: 10.50.0.0/16, table: 100}]
"""


class LoneDirector:
    """A director without a peer, ACTIVE, with its address."""

    def __init__(self, network: Network, directory: Path) -> None:
        self.host: Host = network.host("director1", f"{DIRECTOR_ADDRESSES[0]}/24")
        self._directory = directory
        self.process = self.start()
        self._log = directory / "director1.log"
        eventually(self.holds, 15)

    def start(self, more: str = "") -> subprocess.Popen[str]:
        """Start a director, with more lines for its instance."""
        text = CONFIGURATION.format(directory=self._directory) + more
        return start_director(self.host, text, self._directory)

    def routing(self) -> str:
        """Return the routes and rules that are not the kernel's own."""
        routes = self.host.run("ip", "route", "show", "table", "all", "proto", "112").stdout
        return routes + self.host.run("ip", "rule", "show", "priority", "1000").stdout

    def holds(self) -> bool:
        return self.host.holds(VIRTUAL_ADDRESS)

    def events(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self._log.read_text().splitlines()]

    def gave(self, reason: str) -> bool:
        return any(event.get("reason") == reason for event in self.events())

    def vrrp_pid(self) -> int:
        """Return the newest vrrp process in the log."""
        started = [
            event["pid"]
            for event in self.events()
            if event["event"] == "process_started" and event["process"] == "vrrp"
        ]
        assert isinstance(started[-1], int)
        return started[-1]


@pytest.fixture
def director(network: Network, tmp_path: Path) -> LoneDirector:
    return LoneDirector(network, tmp_path)


def test_a_vrrp_process_that_resumes_never_releases_the_address(director: LoneDirector) -> None:
    os.kill(director.vrrp_pid(), signal.SIGKILL)
    deadline = time.monotonic() + 4.0
    while time.monotonic() < deadline:
        assert director.holds()
        time.sleep(0.05)


def test_the_director_removes_the_address_of_a_vrrp_process_that_stays_away(
    director: LoneDirector,
) -> None:
    """The next vrrp process hangs.

    The director removes the address after two intervals, before its lifetime of 3 s ends.
    """
    first = director.vrrp_pid()
    begun = time.monotonic()
    os.kill(first, signal.SIGKILL)
    eventually(lambda: director.vrrp_pid() != first, 1.0, "a new vrrp process")
    os.kill(director.vrrp_pid(), signal.SIGSTOP)
    eventually(lambda: not director.holds(), 3.0, "the address removed")
    assert 2 * ADVERT_INTERVAL <= time.monotonic() - begun < 2 * ADVERT_INTERVAL + 1.0
    eventually(
        lambda: director.gave("vrrp_process_not_back_in_time"),
        1.0,
        "the end of the wait for the vrrp process",
    )


def test_a_killed_director_leaves_no_address(director: LoneDirector) -> None:
    """Its vrrp process releases the address at once, before its lifetime ends."""
    director.process.kill()
    eventually(lambda: not director.holds(), 1.5, "the address released")


def test_the_kernel_takes_the_address_from_a_director_whose_processes_are_all_killed(
    director: LoneDirector,
) -> None:
    director.host.kill_processes()
    # The lifetime is 3 s; the kernel may be 1.3 s late.
    eventually(lambda: not director.holds(), 5.0, "the end of the address's lifetime")


def test_the_next_start_removes_the_routes_of_killed_processes_from_an_earlier_configuration(
    director: LoneDirector,
) -> None:
    """The kernel removes one of them with its source address; the others have no lifetime."""
    director.host.stop(director.process)
    director.start(ROUTES)
    eventually(lambda: len(director.routing().splitlines()), 15.0, expected=3)
    director.host.kill_processes()
    eventually(lambda: not director.holds(), 5.0, "the end of the address's lifetime")
    assert len(director.routing().splitlines()) == 2
    director.start()
    eventually(director.routing, 10.0, expected="")
