"""The cable of a director that has a single backend host is cut."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import msgspec
import pytest

from hadirector.api.client import ApiError, request
from hadirector.lab.topology import Network
from hadirector.status.report import Status
from tests.lab.experiment import start_director, start_web
from tests.waiting import eventually

pytestmark = [pytest.mark.netns, pytest.mark.timeout(60)]

CONFIGURATION = """\
director: {{name: lb1, dataplane: dry-run, runtime_directory: {directory}/lb1}}
virtual_servers:
  - name: web
    address: 10.99.0.100:80
    check: {{type: tcp, interval: 200ms, timeout: 200ms, rise: 2, fall: 2}}
    real_servers: [{{address: 10.99.0.11}}]
"""
ASKING = (
    "import sys; from checks.io.route_lookup import has_no_carrier;"
    " print(*map(has_no_carrier, sys.argv[1:]))"
)


def test_a_cut_cable_of_the_director_empties_no_pool(network: Network, tmp_path: Path) -> None:
    """Without the director's own carrier, a single silent host would count as failed."""
    director = network.host("lb1", "10.99.0.1/24")
    start_web(network.host("web1", "10.99.0.11/24"), "web1")
    start_director(director, CONFIGURATION.format(directory=tmp_path), tmp_path)

    def seen() -> tuple[int | None, bool] | None:
        with contextlib.suppress(ApiError):
            answer = request(f"{tmp_path}/lb1/api.sock", "GET", "/v1/status")
            status = msgspec.json.decode(answer, type=Status)
            return status.virtual_servers[0].real_servers[0].wanted_weight, status.blind
        return None

    eventually(seen, 20.0, "the real server in", expected=(1, False))
    director.link_down()
    weights = set()

    def blind() -> bool:
        now = seen()
        weights.add(now and now[0])
        return now is not None and now[1]

    eventually(blind, 20.0, "blind")
    assert weights == {1}
    director.link_up()
    eventually(seen, 20.0, "sight back", expected=(1, False))


def test_the_kernel_knows_the_carrier_of_the_route_to_a_host(network: Network) -> None:
    """For a host on the link, behind a gateway, without a route, and for this host itself."""
    host = network.host("lb1", "10.99.0.1/24")
    host.ip("route add 192.0.2.0/24 via 10.99.0.254")
    asked = ("10.99.0.11", "192.0.2.1", "198.51.100.1", "10.99.0.1", "::1")

    def lost() -> str:
        return host.run(sys.executable, "-c", ASKING, *asked).stdout.strip()

    assert lost() == "False False False False False"
    host.link_down()
    eventually(lost, 10.0, "the carrier lost", expected="True True False False False")
