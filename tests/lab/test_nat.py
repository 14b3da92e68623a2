"""nat: one director, kernel IPVS, and two web servers that stop and start."""

from __future__ import annotations

from pathlib import Path

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.experiment import (
    Site,
    build_site,
    fetch,
    kernel_table,
    start_director,
    start_web,
)
from tests.waiting import eventually

pytestmark = [pytest.mark.ipvs, pytest.mark.timeout(300)]

CONFIGURATION = """\
director: {{name: lb1, dataplane: ipvs, runtime_directory: {directory}/run}}
virtual_servers:
  - name: web
    address: 192.168.122.22:80
    scheduler: {scheduler}
    forwarding: nat
    check: {{type: http, path: /healthz, interval: 500ms, timeout: 500ms, rise: 2, fall: 2}}
    real_servers:
      - {{address: 192.168.122.45, weight: {weight}}}
      - {{address: 192.168.122.46, weight: 1}}
"""
SERVICE_RR = "-A -t 192.168.122.22:80 -s rr"
WEB1 = "-a -t 192.168.122.22:80 -r 192.168.122.45:80 -m -w 1"
WEB2 = "-a -t 192.168.122.22:80 -r 192.168.122.46:80 -m -w 1"

START_SECONDS = 60.0
"""In User-Mode Linux a director imports its modules slowly."""

FALL_SECONDS = 2 * 0.5 + 0.5
RISE_SECONDS = 2 * 0.5 + 0.5
SLACK_SECONDS = 15.0


@pytest.fixture
def site(network: Network) -> Site:
    """The hosts, with the virtual address on the director."""
    built = build_site(network, "nat")
    built.directors[0].ip("address add 192.168.122.22/32 dev eth0")
    return built


FORWARD = "net.ipv4.ip_forward"
REDIRECTS = "net.ipv4.conf.eth0.send_redirects"
NODEST = "net.ipv4.vs.expire_nodest_conn"


def sysctls(host: Host) -> dict[str, str]:
    """Return the current values of the kernel parameters that nat needs."""
    said = host.run("sysctl", FORWARD, REDIRECTS, NODEST).stdout.splitlines()
    return dict(line.split(" = ") for line in said)


def test_rr_alternates_and_follows_the_health_of_the_servers(site: Site, tmp_path: Path) -> None:
    """Requests alternate.

    A stopped server leaves the kernel's table in time, a started server returns.
    """
    client, [director], [_, web2] = site.client, site.directors, site.webs
    [_, process] = site.start_webs()
    assert sysctls(director) == {FORWARD: "0", REDIRECTS: "1", NODEST: "0"}
    text = CONFIGURATION.format(directory=tmp_path, scheduler="rr", weight=1)
    running = start_director(director, text, tmp_path)
    both = [SERVICE_RR, WEB1, WEB2]
    eventually(lambda: kernel_table(director), START_SECONDS, expected=both)

    answers = fetch(client, "192.168.122.22", 20)
    assert answers in (["web1", "web2"] * 10, ["web2", "web1"] * 10)

    web2.stop(process)
    one = [SERVICE_RR, WEB1]
    eventually(lambda: kernel_table(director), FALL_SECONDS + SLACK_SECONDS, expected=one)
    assert fetch(client, "192.168.122.22", 20) == ["web1"] * 20

    start_web(web2, "web2")
    eventually(lambda: kernel_table(director), RISE_SECONDS + SLACK_SECONDS, expected=both)
    answers = fetch(client, "192.168.122.22", 20)
    assert (answers.count("web1"), answers.count("web2")) == (10, 10)

    assert sysctls(director) == {FORWARD: "1", REDIRECTS: "0", NODEST: "1"}
    assert director.stop(running) == 0
    assert kernel_table(director) == []
    # With one interface, redirects would have led the web servers past the director.
    assert sysctls(director) == {FORWARD: "1", REDIRECTS: "1", NODEST: "0"}


def test_wrr_follows_the_weights(site: Site, tmp_path: Path) -> None:
    """Weights 2 and 1 share 99 requests as 66 and 33."""
    [director] = site.directors
    site.start_webs()
    text = CONFIGURATION.format(directory=tmp_path, scheduler="wrr", weight=2)
    start_director(director, text, tmp_path)
    eventually(lambda: len(kernel_table(director)), START_SECONDS, expected=3)

    answers = fetch(site.client, "192.168.122.22", 99)

    # Any 99 requests of a sequence that repeats after three.
    assert (answers.count("web1"), answers.count("web2")) == (66, 33)
