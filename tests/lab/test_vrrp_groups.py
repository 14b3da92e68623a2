"""Instances on one interface with different multicast groups."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from hadirector.api.client import request
from hadirector.lab.topology import Network
from tests.lab.experiment import start_director
from tests.waiting import eventually

pytestmark = [pytest.mark.netns, pytest.mark.timeout(60)]

CONFIGURATION = """\
director: {{name: lb1, dataplane: dry-run, runtime_directory: {directory}/lb1}}
vrrp:
  - name: usual
    interface: eth0
    virtual_router_id: 51
    advert_interval: 100ms
    virtual_addresses: [10.99.0.100]
  - name: other
    interface: eth0
    virtual_router_id: 52
    advert_interval: 100ms
    virtual_addresses: [10.99.0.101]
    {group}
"""


def test_a_reload_joins_and_leaves_a_group(network: Network, tmp_path: Path) -> None:
    """The instances share one socket. The instance with the usual group is not disturbed."""
    host = network.host("lb1", "10.99.0.1/24")
    file, log = tmp_path / "lb1.yaml", tmp_path / "lb1.log"
    start_director(host, CONFIGURATION.format(directory=tmp_path, group=""), tmp_path)
    eventually(lambda: host.holds("10.99.0.101"), 15.0, "both ACTIVE")

    def groups() -> set[str]:
        lines = host.run("ip", "-oneline", "-4", "maddress", "show", "dev", "eth0").stdout
        return set(lines.split()) & {"224.0.0.18", "239.99.0.51"}

    def reload(group: str) -> None:
        file.write_text(CONFIGURATION.format(directory=tmp_path, group=group))
        request(f"{tmp_path}/lb1/api.sock", "POST", "/v1/reload")

    assert groups() == {"224.0.0.18"}
    reload("group: 239.99.0.51")
    eventually(groups, 10.0, expected={"224.0.0.18", "239.99.0.51"})
    reload("group: 224.0.0.18")
    eventually(groups, 10.0, expected={"224.0.0.18"})
    eventually(lambda: host.holds("10.99.0.101"), 10.0, "both ACTIVE")
    time.sleep(0.5)
    usual = [line for line in log.read_text().splitlines() if '"instance": "usual"' in line]
    assert [line for line in usual if "vrrp_state_changed" in line][2:] == []
