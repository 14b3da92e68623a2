"""``hadirector restart``: a new director replaces the old one without any other effect."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from hadirector import __version__
from hadirector.api.client import request
from hadirector.lab.topology import Network
from hadirector.status.report import Status
from tests.lab.experiment import start_director
from tests.lab.routers import VIRTUAL_ADDRESS, Listener, VrrpRouter
from tests.waiting import eventually
from vrrp.model.report import InstanceStatus, State

pytestmark = pytest.mark.netns

ADVERT_INTERVAL = 0.5
CONFIGURATION = """\
director: {{name: lb1, dataplane: dry-run, runtime_directory: {directory}/run}}
vrrp:
  - name: web
    interface: eth0
    virtual_router_id: 51
    priority: {priority}
    advert_interval: 500ms
    virtual_addresses: [10.99.0.100]
"""


class ActiveDirector:
    """A single director on a link, ACTIVE, and the other host, which listens."""

    def __init__(self, network: Network, directory: Path) -> None:
        self.directory = directory
        self.host = network.host("director", "10.99.0.1/24")
        self.witness = network.host("witness", "10.99.0.2/24")
        self.start()
        eventually(lambda: self.host.holds(VIRTUAL_ADDRESS), 20.0, "ACTIVE")

    def start(self) -> None:
        text = CONFIGURATION.format(directory=self.directory, priority=200)
        self.process = start_director(self.host, text, self.directory)

    @property
    def socket(self) -> str:
        return f"{self.directory}/run/api.sock"

    def status(self) -> Status:
        return msgspec.json.decode(request(self.socket, "GET", "/v1/status"), type=Status)

    def instance(self) -> InstanceStatus | None:
        return next(iter(self.status().instances), None)

    def yields(self) -> bool:
        instance = self.instance()
        return instance is not None and instance.yielding and instance.state is State.BACKUP

    def hand_over(self, *, undo: bool = False) -> None:
        request(self.socket, "DELETE" if undo else "PUT", "/v1/instances/web/handover")

    def child(self, name: str) -> int | None:
        return next(each.pid for each in self.status().processes if each.name == name)

    def restart(self) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "hadirector", "restart", "--socket", self.socket]
        return self.host.run(*command, check=False)

    def write(self, text: str) -> None:
        (self.directory / "director.yaml").write_text(text)


@pytest.fixture
def director(network: Network, tmp_path: Path) -> ActiveDirector:
    return ActiveDirector(network, tmp_path)


def test_the_vrrp_process_goes_on_over_two_restarts(director: ActiveDirector) -> None:
    """The process id stays, no advertisement is missing, priority 0 is not sent, and the address
    stands.
    """
    vrrp, checks = director.child("vrrp"), director.child("checks")
    with Listener(director.witness) as listener:
        for _ in range(2):
            vrrp = director.child("vrrp")
            assert director.restart().stdout == (
                f"restarted: version {__version__}\n"
                f"the vrrp process {vrrp} was not replaced and still runs the program of version"
                f" {__version__}\n"
                "to replace it too, use --vrrp, which hands the addresses over first\n"
            )
            assert director.host.holds(VIRTUAL_ADDRESS)
        heard = listener.heard()
    assert director.status().pid == director.process.pid
    assert director.child("vrrp") == vrrp
    assert director.child("checks") != checks
    assert {each.priority for each in heard} == {200}
    gaps = [after.at - before.at for before, after in pairwise(heard)]
    assert max(gaps) < 2 * ADVERT_INTERVAL


def test_a_restarted_director_controls_the_adopted_vrrp_process(director: ActiveDirector) -> None:
    """It reconfigures the adopted vrrp process, restarts it after a crash, and stops it."""
    director.write(CONFIGURATION.format(directory=director.directory, priority=150))
    assert director.restart().returncode == 0
    eventually(lambda: [each.priority for each in director.status().instances], 5.0, expected=[150])

    vrrp = director.child("vrrp")
    assert vrrp is not None
    os.kill(vrrp, signal.SIGKILL)
    eventually(lambda: director.child("vrrp") not in (None, vrrp), 5.0, "a new vrrp process")
    with Listener(director.witness) as listener:
        eventually(listener.heard, 5.0, "an advertisement")
    eventually(lambda: director.host.holds(VIRTUAL_ADDRESS), 1.0, "the address")

    began = time.monotonic()
    assert director.host.stop(director.process) == 0
    assert time.monotonic() - began < 5.0
    assert not director.host.holds(VIRTUAL_ADDRESS)


def test_a_restart_with_a_wrong_file_is_refused(director: ActiveDirector) -> None:
    """With a wrong file nothing is stopped."""
    checks = director.child("checks")
    director.write("director: {nmae: lb1}\n")
    refused = director.restart()
    assert refused.returncode == 1
    assert 'director.yaml:1:12: director: unknown key "nmae"' in refused.stderr
    assert director.child("checks") == checks


def test_a_handover_is_kept_over_a_restart_and_over_a_stop_and_a_start(
    director: ActiveDirector,
) -> None:
    """Only an operator undoes it. Until then a peer of lower priority stays ACTIVE."""
    peer = VrrpRouter(
        director.witness, director.directory, priority=100, advert_interval=ADVERT_INTERVAL
    )
    peer.wait_for("BACKUP")
    director.hand_over()
    peer.wait_for("ACTIVE")
    eventually(director.yields, 5.0)
    assert director.restart().returncode == 0
    eventually(director.yields, 5.0)
    assert director.host.stop(director.process) == 0
    director.start()
    eventually(
        lambda: os.path.exists(director.socket) and director.yields(),
        10.0,
        "the director yields after its start",
    )
    time.sleep(4 * ADVERT_INTERVAL)  # more than an Active_Down_Interval
    assert director.yields()
    assert len(peer.became("BACKUP")) == 1
    director.hand_over(undo=True)
    eventually(lambda: director.host.holds(VIRTUAL_ADDRESS), 5.0, "ACTIVE again")
