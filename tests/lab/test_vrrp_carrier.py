"""An instance that stays in the election without carrier on its own interface."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import msgspec
import pytest

from hadirector.api.client import ApiError, request
from hadirector.lab.topology import Network
from hadirector.status.report import Status
from tests.lab.experiment import start_director
from tests.lab.routers import VIRTUAL_ADDRESS, VrrpRouter, wait_for_holder
from tests.waiting import eventually
from vrrp.model.report import State

pytestmark = [pytest.mark.netns, pytest.mark.timeout(60)]

CONFIGURATION = """\
director: {{name: lb1, dataplane: dry-run, runtime_directory: {directory}/lb1}}
vrrp:
  - name: web
    interface: eth0
    virtual_router_id: 51
    priority: 200
    advert_interval: 100ms
    virtual_addresses: [10.99.0.100]
    {extra}
"""


def test_both_routers_hold_the_address_until_the_cable_is_back(
    network: Network, tmp_path: Path
) -> None:
    """The ACTIVE router stays ACTIVE, the BACKUP hears nothing, and the election decides later."""
    better_host = network.host("better", "10.99.0.1/24")
    worse_host = network.host("worse", "10.99.0.2/24")
    better = VrrpRouter(better_host, tmp_path, "--ignore-carrier", priority=200)
    worse = VrrpRouter(worse_host, tmp_path, "--ignore-carrier", priority=100)
    better.wait_for("ACTIVE")
    worse.wait_for("BACKUP")
    worse_host.link_down()
    worse.wait_for("ACTIVE")
    better_host.link_down()
    time.sleep(0.5)
    assert (better_host.holds(VIRTUAL_ADDRESS), worse_host.holds(VIRTUAL_ADDRESS)) == (True, True)
    assert (better.status()["fault"], worse.status()["fault"]) == (None, None)
    better_host.link_up()
    worse_host.link_up()
    wait_for_holder((better_host, worse_host), better_host)
    assert better.entered("ACTIVE") == 1


def test_an_interface_that_is_down_still_has_its_election(network: Network, tmp_path: Path) -> None:
    """As with `dont_track_primary` of keepalived. The advertisements are lost, and counted."""
    host = network.host("alone", "10.99.0.1/24")
    router = VrrpRouter(host, tmp_path, "--ignore-carrier")
    router.wait_for("ACTIVE")
    host.ip("link set eth0 down")
    eventually(lambda: "send_errors" in router.status()["counters"], 5.0, "lost advertisements")
    assert router.status()["state"] == "ACTIVE"
    host.ip("link set eth0 up")
    sent = router.status()["counters"]["advertisements_sent"]
    eventually(lambda: router.status()["counters"]["advertisements_sent"] > sent, 5.0, "sends")
    host.ip("address delete 10.99.0.1/24 dev eth0")
    assert router.wait_for("INITIALIZE")["reason"] == "no_address"


def test_a_weight_for_the_own_interface_lowers_the_priority(
    network: Network, tmp_path: Path
) -> None:
    """A reload that removes the weight makes the lost carrier a fault."""
    host = network.host("lb1", "10.99.0.1/24")
    weight = "track: [{interface: eth0, weight: -150}]"
    file = tmp_path / "lb1.yaml"
    text = CONFIGURATION.format(directory=tmp_path, extra=weight)
    start_director(host, text, tmp_path)

    def standing() -> tuple[State, int, str | None] | None:
        with contextlib.suppress(ApiError):
            answer = request(f"{tmp_path}/lb1/api.sock", "GET", "/v1/status")
            for instance in msgspec.json.decode(answer, type=Status).instances:
                return instance.state, instance.priority, instance.fault
        return None

    eventually(standing, 15.0, expected=(State.ACTIVE, 200, None))
    host.link_down()
    eventually(standing, 5.0, expected=(State.ACTIVE, 50, None))
    assert host.holds(VIRTUAL_ADDRESS)
    file.write_text(CONFIGURATION.format(directory=tmp_path, extra=""))
    request(f"{tmp_path}/lb1/api.sock", "POST", "/v1/reload")
    eventually(standing, 5.0, expected=(State.INITIALIZE, 200, "link_down"))
    file.write_text(text)
    request(f"{tmp_path}/lb1/api.sock", "POST", "/v1/reload")
    eventually(standing, 5.0, expected=(State.ACTIVE, 50, None))
