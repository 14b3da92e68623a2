"""The direct routing experiment: the web servers have the virtual address themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from hadirector.lab.experiment import (
    build_site,
    eventually,
    fetch,
    kernel_table,
    start_director,
    start_web,
)
from hadirector.lab.topology import Network

CONFIGURATION = """\
director: {{name: lb1, dataplane: ipvs, runtime_directory: {directory}/run}}
virtual_servers:
  - name: web
    address: 192.168.122.22:80
    scheduler: rr
    forwarding: dr
    check: {{type: tcp, interval: 500ms, timeout: 500ms, rise: 2, fall: 2}}
    real_servers:
      - {{address: 192.168.122.45}}
      - {{address: 192.168.122.46}}
"""
SERVICE = "-A -t 192.168.122.22:80 -s rr"
WEB1 = "-a -t 192.168.122.22:80 -r 192.168.122.45:80 -g -w 1"
WEB2 = "-a -t 192.168.122.22:80 -r 192.168.122.46:80 -g -w 1"

START_SECONDS = 60.0
FALL_SECONDS = 2 * 0.5 + 0.5
RISE_SECONDS = 2 * 0.5 + 0.5
SLACK_SECONDS = 15.0


@pytest.mark.ipvs
@pytest.mark.timeout(300)
def test_direct_routing_follows_the_health_of_the_servers(network: Network, tmp_path: Path) -> None:
    """Requests alternate; a stopped server leaves the kernel in time, a started one returns."""
    site = build_site(network, "dr")
    client, [director], [web1, _] = site.client, site.directors, site.webs
    director.ip("address add 192.168.122.22/32 dev eth0")
    [process, _] = site.start_webs()
    start_director(director, CONFIGURATION.format(directory=tmp_path), tmp_path)
    both = [SERVICE, WEB1, WEB2]
    assert eventually(lambda: kernel_table(director) == both, START_SECONDS)

    answers = fetch(client, "192.168.122.22", 20)
    assert answers in (["web1", "web2"] * 10, ["web2", "web1"] * 10)

    web1.stop(process)
    rest = [SERVICE, WEB2]
    assert eventually(lambda: kernel_table(director) == rest, FALL_SECONDS + SLACK_SECONDS)
    assert fetch(client, "192.168.122.22", 20) == ["web2"] * 20

    start_web(web1, "web1")
    assert eventually(lambda: kernel_table(director) == both, RISE_SECONDS + SLACK_SECONDS)
    answers = fetch(client, "192.168.122.22", 20)
    assert answers in (["web1", "web2"] * 10, ["web2", "web1"] * 10)
