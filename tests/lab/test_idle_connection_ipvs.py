"""A killed web server process leaves the kernel's table long before its next probe is due."""

from __future__ import annotations

from pathlib import Path

import pytest

from hadirector.lab.topology import Network
from tests.lab.experiment import build_site, kernel_table, start_director
from tests.waiting import eventually

pytestmark = [pytest.mark.ipvs, pytest.mark.timeout(300)]

CONFIGURATION = """\
director: {{name: lb1, runtime_directory: {directory}/run}}
virtual_servers:
  - address: 192.168.122.22:80
    scheduler: rr
    forwarding: nat
    check: {{type: http, interval: 10m, timeout: 5s, fall: 3, idle_connection: true}}
    real_servers: [{{address: 192.168.122.45}}, {{address: 192.168.122.46}}]
"""
SERVICE = "-A -t 192.168.122.22:80 -s rr"
WEB1 = "-a -t 192.168.122.22:80 -r 192.168.122.45:80 -m -w 1"
WEB2 = "-a -t 192.168.122.22:80 -r 192.168.122.46:80 -m -w 1"


def test_a_killed_web_server_is_out_at_once(network: Network, tmp_path: Path) -> None:
    """Within 15 s, also on a very slow machine; the next probe is due in 10 minutes.

    ``python -m tests.benchmarks.idle_connection`` measures the time.
    """
    site = build_site(network, "nat")
    [director] = site.directors
    director.ip("address add 192.168.122.22/32 dev eth0")
    _, web2 = site.start_webs()
    start_director(director, CONFIGURATION.format(directory=tmp_path), tmp_path)
    eventually(lambda: kernel_table(director), 60.0, expected=[SERVICE, WEB1, WEB2])
    web2.kill()
    eventually(lambda: kernel_table(director), 15.0, expected=[SERVICE, WEB1])
