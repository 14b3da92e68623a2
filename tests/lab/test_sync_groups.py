"""Two directors with an instance on each of two links; the instances move together.

Each host has two cables to the bridge, eth0 and eth1. The advertisement interval is 0.1 s.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.experiment import start_director
from tests.lab.routers import wait_for_holder
from tests.waiting import eventually

pytestmark = [pytest.mark.netns, pytest.mark.timeout(120)]

ADDRESSES = ("10.99.0.100", "10.98.0.100")
CONFIGURATION = """\
director: {{name: {name}, dataplane: dry-run, runtime_directory: {directory}/{name}}}
vrrp:
  - name: outside
    interface: eth0
    virtual_router_id: 51
    priority: {priority}
    advert_interval: 100ms
    virtual_addresses: [10.99.0.100]
    notify: [{{script: {directory}/notify, arguments: [{name}], user: root}}]
  - name: inside
    interface: eth1
    virtual_router_id: 52
    priority: {priority}
    advert_interval: 100ms
    virtual_addresses: [10.98.0.100]
sync_groups:
  - name: both
    instances: [outside, inside]
    notify: [{{script: {directory}/notify, arguments: [{name}], user: root}}]
"""


class Pair:
    """Directors ``better`` (200) and ``worse`` (100), with a script that records its arguments."""

    def __init__(self, network: Network, directory: Path) -> None:
        self.better = network.host("better", "10.99.0.1/24")
        self.worse = network.host("worse", "10.99.0.2/24")
        self.told_file = directory / "told"
        self.told_file.touch()
        script = directory / "notify"
        script.write_text(f'#!/bin/sh\necho "$@" >> {self.told_file}\n')
        script.chmod(0o755)
        self._network = network
        for number, host in enumerate((self.better, self.worse), start=1):
            network.batch_on_bridge(
                f"link add name {host.name}1 type veth peer name eth1 netns {host.namespace}",
                f"link set dev {host.name}1 master bridge up",
            )
            host.ip(f"address add 10.98.0.{number}/24 dev eth1", "link set eth1 up")
        self.processes = {
            host.name: start_director(
                host,
                CONFIGURATION.format(name=host.name, priority=priority, directory=directory),
                directory,
            )
            for host, priority in ((self.better, 200), (self.worse, 100))
        }
        self.wait_for_holder(self.better)

    def second_cable(self, state: str) -> None:
        """Cut (``down``) or repair (``up``) the second cable of ``better``."""
        self._network.batch_on_bridge(f"link set dev better1 {state}")

    def held(self, host: Host) -> list[str]:
        return [each for each in ADDRESSES if host.holds(each)]

    def wait_for_holder(self, host: Host) -> None:
        """Wait until this host alone holds both addresses."""
        wait_for_holder((self.better, self.worse), host, ADDRESSES, 20.0)

    def told(self, name: str) -> list[str]:
        """Return the arguments of all runs of the script on this director."""
        lines = self.told_file.read_text().splitlines()
        return [line.removeprefix(f"{name} ") for line in lines if line.startswith(f"{name} ")]


@pytest.fixture
def pair(network: Network, tmp_path: Path) -> Pair:
    return Pair(network, tmp_path)


def test_losing_one_link_moves_both_addresses(pair: Pair) -> None:
    """Both return with the link. The scripts get keepalived's words."""
    pair.second_cable("down")
    pair.wait_for_holder(pair.worse)
    pair.second_cable("up")
    pair.wait_for_holder(pair.better)
    expected = ["BACKUP 200", "MASTER 200", "FAULT 200", "BACKUP 200", "MASTER 200"]
    eventually(lambda: len(pair.told("better")), 5.0, "ten notifications", expected=10)
    for kind in ("INSTANCE outside", "GROUP both"):
        lines = [line for line in pair.told("better") if line.startswith(kind)]
        assert lines == [f"{kind} {each}" for each in expected]


def test_a_stop_hands_both_over(pair: Pair) -> None:
    """The peer takes both over, and the scripts of the stopped director get STOP."""
    pair.better.stop(pair.processes["better"])
    assert pair.held(pair.better) == []
    pair.wait_for_holder(pair.worse)
    assert {line for line in pair.told("better") if " STOP" in line} == {
        "INSTANCE outside STOP 200",
        "GROUP both STOP 200",
    }
    eventually(lambda: "GROUP both MASTER 100" in pair.told("worse"), 5.0, "the group told")
