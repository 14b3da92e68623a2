"""A foreign router has our VRID, a higher priority and another address: nobody holds ours."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from hadirector.api.client import request
from hadirector.cli import main
from hadirector.events.event_log import Page
from hadirector.lab.topology import Network
from hadirector.status.report import Status
from tests.lab.experiment import start_director
from tests.lab.routers import VIRTUAL_ADDRESS, VrrpRouter
from tests.waiting import eventually

pytestmark = [pytest.mark.netns, pytest.mark.timeout(90)]

CONFIGURATION = """\
director: {{name: ours, dataplane: dry-run, runtime_directory: {directory}/run}}
vrrp:
  - name: web
    interface: eth0
    virtual_router_id: 51
    advert_interval: 100ms
    virtual_addresses: [10.99.0.100]
"""
ALARM = (
    "no router holds 10.99.0.100: the ACTIVE router 10.99.0.66 (priority 250) advertises"
    " 10.99.0.77, and this router has 10.99.0.100"
)


def test_a_virtual_address_that_nobody_holds_is_an_alarm(
    network: Network, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the status, the events and the metrics, until the foreign router is gone."""
    ours = network.host("ours", "10.99.0.1/24")
    foreign = network.host("foreign", "10.99.0.66/24")
    socket = f"{tmp_path}/run/api.sock"
    start_director(ours, CONFIGURATION.format(directory=tmp_path), tmp_path)
    eventually(lambda: ours.holds(VIRTUAL_ADDRESS), 20.0, "our director is ACTIVE")
    router = VrrpRouter(foreign, tmp_path, priority=250, addresses=["10.99.0.77/32"])
    eventually(lambda: not ours.holds(VIRTUAL_ADDRESS), 20.0, "our director is BACKUP")

    def alarms() -> list[str]:
        status = msgspec.json.decode(request(socket, "GET", "/v1/status"), type=Status)
        return [alarm for instance in status.instances for alarm in instance.alarms]

    eventually(alarms, 10.0, "the alarm", expected=[ALARM])
    assert main(["status", "--socket", socket]) == 1
    shown = capsys.readouterr().out
    assert shown.startswith(f"CRITICAL  instance web: {ALARM}\n")
    assert f"web: {ALARM}\n" in shown.partition("\n")[2]
    metrics = request(socket, "GET", "/metrics").decode().splitlines()
    assert 'hadirector_vrrp_alarms{vrrp_instance="web"} 1.0' in metrics

    router.stop()
    eventually(alarms, 10.0, "no alarm", expected=[])
    events = msgspec.json.decode(request(socket, "GET", "/v1/events"), type=Page).events
    found = [
        (event.name, event.fields.get("detail"))
        for event in events
        if event.name.startswith("virtual_address_unheld")
    ]
    assert found == [("virtual_address_unheld", ALARM), ("virtual_address_unheld_over", None)]
