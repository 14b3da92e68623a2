"""Our sync group beside a real keepalived's: an instance on each of two links.

Each host has two cables to the bridge, eth0 and eth1. The advertisement interval is 0.2 s.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.experiment import start_director
from tests.lab.routers import Keepalived, wait_for_holder

pytestmark = [pytest.mark.netns, pytest.mark.keepalived]

OUTSIDE, INSIDE = "10.99.0.100", "10.98.0.100"
OURS = """\
director: {{name: ours, dataplane: dry-run, runtime_directory: {directory}/ours}}
vrrp:
  - name: outside
    interface: eth0
    virtual_router_id: 51
    priority: {priority}
    advert_interval: 200ms
    virtual_addresses: [10.99.0.100]
  - name: inside
    interface: eth1
    virtual_router_id: 52
    priority: {priority}
    advert_interval: 200ms
    virtual_addresses: [10.98.0.100]
sync_groups:
  - {{name: both, instances: [outside, inside]}}
"""
# keepalived's instance `test` is on eth0.
THEIRS = """\
vrrp_sync_group both {{
    group {{
        test
        inside
    }}
}}
vrrp_instance inside {{
    state BACKUP
    interface eth1
    virtual_router_id 52
    version 3
    priority {priority}
    advert_int 0.2
    virtual_ipaddress {{
        10.98.0.100/32 dev eth1
    }}
}}
"""


class Lab:
    """Our director on one host, keepalived on the other one."""

    def __init__(self, network: Network, directory: Path) -> None:
        self.our_host = network.host("ours", "10.99.0.1/24")
        self.their_host = network.host("theirs", "10.99.0.2/24")
        self._network = network
        self._directory = directory
        for number, host in enumerate((self.our_host, self.their_host), start=1):
            network.batch_on_bridge(
                f"link add name {host.name}1 type veth peer name eth1 netns {host.namespace}",
                f"link set dev {host.name}1 master bridge up",
            )
            host.ip(f"address add 10.98.0.{number}/24 dev eth1", "link set eth1 up")

    def start(self, ours: int, theirs: int) -> None:
        """Start both with these priorities."""
        Keepalived(
            self.their_host,
            self._directory,
            priority=theirs,
            advert_interval=0.2,
            heading=THEIRS.format(priority=theirs),
        ).wait_for_backup()
        configuration = OURS.format(priority=ours, directory=self._directory)
        self.process = start_director(self.our_host, configuration, self._directory)

    def second_cable(self, host: Host, state: str) -> None:
        """Cut (``down``) or repair (``up``) the second cable of a host."""
        self._network.batch_on_bridge(f"link set dev {host.name}1 {state}")

    def wait_for_holder(self, host: Host) -> None:
        """Wait until this host alone holds both addresses."""
        wait_for_holder((self.our_host, self.their_host), host, (OUTSIDE, INSIDE), 15.0)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with Network() as network:
        yield Lab(network, tmp_path)


def test_our_group_moves_to_keepalived_and_back(lab: Lab) -> None:
    """It moves when our second link fails, returns with the link, and moves at a stop."""
    lab.start(ours=200, theirs=100)
    lab.wait_for_holder(lab.our_host)
    lab.second_cable(lab.our_host, "down")
    lab.wait_for_holder(lab.their_host)
    lab.second_cable(lab.our_host, "up")
    lab.wait_for_holder(lab.our_host)
    lab.our_host.stop(lab.process)
    lab.wait_for_holder(lab.their_host)


def test_the_group_of_keepalived_moves_to_us_and_back(lab: Lab) -> None:
    """It moves when its second link fails, and returns with the link."""
    lab.start(ours=100, theirs=200)
    lab.wait_for_holder(lab.their_host)
    lab.second_cable(lab.their_host, "down")
    lab.wait_for_holder(lab.our_host)
    lab.second_cable(lab.their_host, "up")
    lab.wait_for_holder(lab.their_host)
