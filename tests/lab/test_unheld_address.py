"""A virtual server whose address is a typing error: nothing holds it, and three commands say so."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest

from hadirector.api.client import request
from hadirector.lab.topology import Network
from hadirector.status.report import Status
from tests.lab.experiment import start_director
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
virtual_servers:
  - name: web
    address: 10.99.0.110:80
    check: none
    real_servers: [{{address: 10.99.0.11}}]
  - name: own
    address: 10.99.0.1:80
    check: none
    real_servers: [{{address: 10.99.0.11}}]
"""
UNHELD = (
    "{file}:10:14: no VRRP instance and no interface of this host holds 10.99.0.110;"
    " the VRRP instance web ({file}:7:25) holds 10.99.0.100"
)


def test_the_address_of_a_virtual_server_that_nothing_holds_is_a_warning(
    network: Network, tmp_path: Path
) -> None:
    """By check-config, doctor and status, with the places of both addresses.

    The address of the other virtual server is an address of the host.
    """
    ours = network.host("ours", "10.99.0.1/24")
    start_director(ours, CONFIGURATION.format(directory=tmp_path), tmp_path)
    file = tmp_path / "ours.yaml"
    unheld = UNHELD.format(file=file)
    hadirector = [sys.executable, "-m", "hadirector"]
    checked = ours.run(*hadirector, "check-config", str(file))
    assert checked.stderr == f"warning: {unheld}\n"
    doctor = ours.run(*hadirector, "doctor", "-c", str(file), check=False)
    assert f"warning  {unheld}\n" in doctor.stdout

    def warnings() -> tuple[str, ...]:
        answer = request(f"{tmp_path}/run/api.sock", "GET", "/v1/status")
        return msgspec.json.decode(answer, type=Status).warnings

    eventually((tmp_path / "run/api.sock").exists, 20.0, "the socket")
    assert warnings() == (unheld,)
    status = ours.run(*hadirector, "status", "--socket", f"{tmp_path}/run/api.sock", check=False)
    assert f"warning: {unheld}\n" in status.stdout
