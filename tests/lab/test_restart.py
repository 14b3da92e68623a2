"""Restarts that the kernel's table does not notice, and what is ours and what is foreign."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from hadirector.lab.experiment import (
    build_site,
    eventually,
    fetch,
    kernel_table,
    start_director,
)
from hadirector.lab.topology import Host, Network

pytestmark = [pytest.mark.ipvs, pytest.mark.timeout(300)]

START_SECONDS = 60.0

CHECKED = """\
director: {{name: lb1, dataplane: ipvs, on_stop: keep, runtime_directory: {directory}/run}}
virtual_servers:
  - name: web
    address: 192.168.122.22:80
    scheduler: rr
    forwarding: nat
    check: {{type: tcp, interval: 500ms, timeout: 500ms, rise: 2, fall: 2}}
    real_servers:
      - {{address: 192.168.122.45}}
      - {{address: 192.168.122.46}}
"""

HEAD = """\
director: {{name: lb1, dataplane: ipvs, on_stop: {on_stop}, runtime_directory: {directory}/run}}
virtual_servers:
"""
PORT_80 = """\
  - address: 192.168.122.22:80
    scheduler: rr
    forwarding: nat
    check: none
    real_servers: [{address: 192.168.122.45}]
"""
PORT_81 = PORT_80.replace(":80", ":81")

OURS_80 = [
    "-A -t 192.168.122.22:80 -s rr",
    "-a -t 192.168.122.22:80 -r 192.168.122.45:80 -m -w 1",
]
OURS_81 = [
    "-A -t 192.168.122.22:81 -s rr",
    "-a -t 192.168.122.22:81 -r 192.168.122.45:81 -m -w 1",
]
FOREIGN = [
    "-A -t 192.168.122.22:8080 -s wlc",
    "-a -t 192.168.122.22:8080 -r 192.168.122.46:8080 -m -w 7",
]


def connections(director: Host) -> list[int]:
    """What the kernel counted for the service and each destination; it adds up every 2 s."""
    lines = director.run("ipvsadm", "-Ln", "--stats").stdout.splitlines()
    return [int(line.split()[2]) for line in lines if ":80 " in line]


def times_started(directory: Path) -> int:
    return (directory / "director1.log").read_text().count("director_started")


def test_restart_changes_nothing(network: Network, tmp_path: Path) -> None:
    """Stopped under on_stop: keep and started again, a director leaves the table as it is."""
    site = build_site(network, "nat")
    [director] = site.directors
    director.ip("address add 192.168.122.22/32 dev eth0")
    site.start_webs()
    text = CHECKED.format(directory=tmp_path)
    running = start_director(director, text, tmp_path)
    assert eventually(lambda: len(kernel_table(director)) == 3, START_SECONDS)
    table = kernel_table(director)
    assert len(fetch(site.client, "192.168.122.22", 4)) == 4
    assert eventually(lambda: connections(director) == [4, 2, 2], 10.0)

    assert director.stop(running) == 0
    assert kernel_table(director) == table
    start_director(director, text, tmp_path)
    seen = []
    ready = time.monotonic() + START_SECONDS
    while times_started(tmp_path) < 2 and time.monotonic() < ready:
        seen.append(kernel_table(director))
    checked = time.monotonic() + 5.0
    while time.monotonic() < checked:
        seen.append(kernel_table(director))

    assert times_started(tmp_path) == 2
    assert all(each == table for each in seen)
    # Deleted and made again, a destination would count from nothing.
    assert connections(director) == [4, 2, 2]
    answers = fetch(site.client, "192.168.122.22", 10)
    assert (answers.count("web1"), answers.count("web2")) == (5, 5)


def test_only_what_is_ours_is_withdrawn(network: Network, tmp_path: Path) -> None:
    """A service dropped from the file while the director was down goes at its start; no other."""
    director = network.host("director1", "192.168.122.30/24", "192.168.122.22/32")
    director.run("ipvsadm", "-R", text="\n".join(FOREIGN) + "\n")
    keep = HEAD.format(directory=tmp_path, on_stop="keep")
    running = start_director(director, keep + PORT_80 + PORT_81, tmp_path)
    everything = sorted(OURS_80 + OURS_81 + FOREIGN)
    assert eventually(lambda: kernel_table(director) == everything, START_SECONDS)
    assert director.stop(running) == 0
    assert kernel_table(director) == everything

    release = HEAD.format(directory=tmp_path, on_stop="release")
    running = start_director(director, release + PORT_80, tmp_path)
    rest = sorted(OURS_80 + FOREIGN)
    assert eventually(lambda: kernel_table(director) == rest, START_SECONDS)

    assert director.stop(running) == 0
    assert kernel_table(director) == FOREIGN
