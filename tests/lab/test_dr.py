"""Direct routing (dr): the web servers have the virtual address on their loopback."""

from __future__ import annotations

from pathlib import Path

import pytest

from hadirector.lab.topology import Network
from tests.lab.answering import Answering, answer
from tests.lab.experiment import (
    Site,
    build_site,
    fetch,
    kernel_table,
    start_director,
    start_web,
)
from tests.waiting import eventually

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
  - name: six
    address: "[fd00:122::22]:81"
    scheduler: rr
    forwarding: dr
    check: none
    real_servers: [{{address: "fd00:122::45"}}, {{address: "fd00:122::46"}}]
"""
SIX = [
    "-A -t [fd00:122::22]:81 -s rr",
    "-a -t [fd00:122::22]:81 -r [fd00:122::45]:81 -g -w 1",
    "-a -t [fd00:122::22]:81 -r [fd00:122::46]:81 -g -w 1",
]
CLIENT6, VIRTUAL6 = "fd00:122::70", "fd00:122::22"
SERVICE = "-A -t 192.168.122.22:80 -s rr"
WEB1 = "-a -t 192.168.122.22:80 -r 192.168.122.45:80 -g -w 1"
WEB2 = "-a -t 192.168.122.22:80 -r 192.168.122.46:80 -g -w 1"

START_SECONDS = 60.0
FALL_SECONDS = 2 * 0.5 + 0.5
RISE_SECONDS = 2 * 0.5 + 0.5
SLACK_SECONDS = 15.0


def give_ipv6(site: Site) -> None:
    """Give every host an IPv6 address, and the web servers the virtual address on lo."""
    [director] = site.directors
    for host, number in ((site.client, 70), (director, 30), *zip(site.webs, (45, 46), strict=True)):
        host.ip(f"address add fd00:122::{number}/64 dev eth0")
    director.ip(f"address add {VIRTUAL6}/128 dev eth0")
    for web in site.webs:
        web.ip(f"address add {VIRTUAL6}/128 dev lo")


@pytest.mark.ipvs
@pytest.mark.timeout(300)
def test_direct_routing_follows_the_health_of_the_servers(network: Network, tmp_path: Path) -> None:
    """Requests alternate. A stopped server leaves the kernel's table in time, a started server
    returns.

    The same holds over IPv6.
    """
    site = build_site(network, "dr")
    client, [director], [web1, _] = site.client, site.directors, site.webs
    director.ip("address add 192.168.122.22/32 dev eth0")
    give_ipv6(site)
    [process, _] = site.start_webs()
    start_director(director, CONFIGURATION.format(directory=tmp_path), tmp_path)
    both = sorted([SERVICE, WEB1, WEB2, *SIX])
    eventually(lambda: kernel_table(director), START_SECONDS, expected=both)

    answers = fetch(client, "192.168.122.22", 20)
    assert answers in (["web1", "web2"] * 10, ["web2", "web1"] * 10)

    with Answering() as servers:
        for web in site.webs:
            servers.listen(web, (81,))
        answers = [answer(client, CLIENT6, VIRTUAL6, 81) for _ in range(4)]
        assert answers in (["web1", "web2"] * 2, ["web2", "web1"] * 2)

    web1.stop(process)
    rest = sorted([SERVICE, WEB2, *SIX])
    eventually(lambda: kernel_table(director), FALL_SECONDS + SLACK_SECONDS, expected=rest)
    assert fetch(client, "192.168.122.22", 20) == ["web2"] * 20

    start_web(web1, "web1")
    eventually(lambda: kernel_table(director), RISE_SECONDS + SLACK_SECONDS, expected=both)
    answers = fetch(client, "192.168.122.22", 20)
    assert answers in (["web1", "web2"] * 10, ["web2", "web1"] * 10)
