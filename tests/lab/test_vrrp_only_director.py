"""A director without virtual servers runs on a kernel without IPVS."""

from __future__ import annotations

from pathlib import Path

import pytest

from hadirector.api.client import ApiError, request
from hadirector.cli import main
from hadirector.lab.topology import Network
from tests.lab.experiment import start_director
from tests.waiting import eventually

pytestmark = [
    pytest.mark.netns,
    pytest.mark.timeout(60),
    # CI runs this part of the lab on a kernel without IPVS; the other part boots kernels with it.
    pytest.mark.skipif(Path("/proc/net/ip_vs").exists(), reason="this kernel has IPVS"),
]

VRRP = """\
director: {{name: lb1, runtime_directory: {directory}/run}}
vrrp:
  - name: proxy
    interface: eth0
    virtual_router_id: 51
    advert_interval: 100ms
    virtual_addresses: [10.99.0.100]
"""
SERVER = """\
virtual_servers:
  - {name: web, address: "10.99.0.100:80", scheduler: rr, real_servers: [{address: 10.99.0.11}]}
"""


def test_a_director_with_only_vrrp_starts_and_refuses_a_virtual_server(
    network: Network, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The reload and a start with a virtual server are refused, with the remedy."""
    host = network.host("lb1", "10.99.0.1/24")
    text = VRRP.format(directory=tmp_path)
    process = start_director(host, text, tmp_path)
    socket = f"{tmp_path}/run/api.sock"
    eventually(lambda: host.holds("10.99.0.100"), 20.0, "ACTIVE")
    assert request(socket, "GET", "/metrics")
    (tmp_path / "lb1.yaml").write_text(text + SERVER)
    with pytest.raises(ApiError, match="the kernel has no IPVS: load its module ip_vs"):
        request(socket, "POST", "/v1/reload")
    assert main(["status", "--socket", socket]) == 0
    shown = capsys.readouterr().out
    assert "failing" not in shown
    assert host.holds("10.99.0.100")
    assert host.stop(process) == 0
    refused = start_director(host, text + SERVER, tmp_path)
    assert refused.wait(20.0) == 2
    assert "the kernel has no IPVS" in (tmp_path / "lb1.log").read_text()
