"""Two directors with direct routing: when one fails, the other serves the client."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.experiment import (
    Site,
    build_site,
    fetch,
    kernel_table,
    start_director,
)
from tests.waiting import eventually

pytestmark = [pytest.mark.ipvs, pytest.mark.timeout(400)]

CONFIGURATION = """\
director: {{name: {name}, dataplane: ipvs, runtime_directory: {directory}/{name}}}
vrrp:
  - name: web
    interface: eth0
    virtual_router_id: 51
    priority: {priority}
    advert_interval: 1s
    virtual_addresses: [192.168.122.22]
virtual_servers:
  - name: web
    address: 192.168.122.22:80
    scheduler: rr
    forwarding: dr
    check: {{type: http, path: /healthz, interval: 1s, timeout: 1s, rise: 2, fall: 3}}
    real_servers:
      - {{address: 192.168.122.45}}
      - {{address: 192.168.122.46}}
"""
TABLE = [
    "-A -t 192.168.122.22:80 -s rr",
    "-a -t 192.168.122.22:80 -r 192.168.122.45:80 -g -w 1",
    "-a -t 192.168.122.22:80 -r 192.168.122.46:80 -g -w 1",
]
PRIORITIES = {"director1": 200, "director2": 100}

START_SECONDS = 90.0
FAILOVER_SECONDS = 20.0
"""The protocol's bound is 3.6 s; the rest is for User-Mode Linux, with one core for all hosts."""


class Pair:
    """The site, and its directors as processes that can be started again."""

    def __init__(self, network: Network, directory: Path) -> None:
        self.site: Site = build_site(network, "dr", directors=2)
        self.running: dict[str, subprocess.Popen[str]] = {}
        self._directory = directory
        self.site.start_webs()

    def start(self, host: Host) -> None:
        priority = PRIORITIES[host.name]
        text = CONFIGURATION.format(name=host.name, priority=priority, directory=self._directory)
        self.running[host.name] = start_director(host, text, self._directory)

    def holders(self) -> list[str]:
        return [host.name for host in self.site.directors if host.holds("192.168.122.22")]

    def settled(self) -> bool:
        """Whether the first director alone holds the address, and both tables are as wanted."""
        return self.holders() == ["director1"] and all(
            kernel_table(host) == TABLE for host in self.site.directors
        )

    def serves(self) -> bool:
        """Whether both web servers answer requests in turn."""
        return sorted(fetch(self.site.client, "192.168.122.22", 2, seconds=2.0)) == ["web1", "web2"]


@pytest.fixture(scope="module")
def started_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two directors, started once: in User-Mode Linux a start takes half a minute."""
    with Network() as network:
        pair = Pair(network, tmp_path_factory.mktemp("pair"))
        for host in pair.site.directors:
            pair.start(host)
        yield pair


@pytest.fixture
def pair(started_pair: Pair) -> Pair:
    """The pair in good health, with the first director ACTIVE."""
    eventually(started_pair.settled, START_SECONDS)
    eventually(started_pair.serves, FAILOVER_SECONDS)
    return started_pair


def assert_second_serves(pair: Pair) -> None:
    second = pair.site.directors[1]
    eventually(
        lambda: second.holds("192.168.122.22"), FAILOVER_SECONDS, "director2 has the address"
    )
    eventually(pair.serves, FAILOVER_SECONDS)
    assert kernel_table(second) == TABLE


def test_power_loss(pair: Pair) -> None:
    """The ACTIVE director loses its interface and processes. The other serves until it returns."""
    first = pair.site.directors[0]
    first.lose_power()
    assert_second_serves(pair)

    first.gain_power()
    pair.start(first)
    eventually(pair.settled, START_SECONDS)
    eventually(pair.serves, FAILOVER_SECONDS)


def test_all_processes_killed(pair: Pair) -> None:
    """All processes of the ACTIVE director are killed. Its kernel removes the address."""
    first = pair.site.directors[0]
    first.kill_processes()
    assert_second_serves(pair)
    eventually(pair.holders, FAILOVER_SECONDS, expected=["director2"])
    assert pair.serves()

    pair.start(first)
    eventually(pair.settled, START_SECONDS)
    eventually(pair.serves, FAILOVER_SECONDS)


def test_link_cut(pair: Pair) -> None:
    """The cable of the ACTIVE director is cut, and the other serves.

    After the repair there is one holder.
    """
    first = pair.site.directors[0]
    first.link_down()
    assert_second_serves(pair)

    first.link_up()
    eventually(pair.settled, START_SECONDS)
    eventually(pair.serves, FAILOVER_SECONDS)
