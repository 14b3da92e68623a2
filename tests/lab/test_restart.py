"""Our services and foreign ones, over a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from hadirector.lab.topology import Network
from tests.lab.experiment import kernel_table, start_director
from tests.waiting import eventually

pytestmark = [pytest.mark.ipvs, pytest.mark.timeout(300)]

START_SECONDS = 60.0

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


def test_only_our_own_services_are_removed(network: Network, tmp_path: Path) -> None:
    """A start removes the service that left the file while the director was down, and no other."""
    director = network.host("director1", "192.168.122.30/24", "192.168.122.22/32")
    director.run("ipvsadm", "-R", text="\n".join(FOREIGN) + "\n")
    keep = HEAD.format(directory=tmp_path, on_stop="keep")
    running = start_director(director, keep + PORT_80 + PORT_81, tmp_path)
    everything = sorted(OURS_80 + OURS_81 + FOREIGN)
    eventually(lambda: kernel_table(director), START_SECONDS, expected=everything)
    assert director.stop(running) == 0
    assert kernel_table(director) == everything

    release = HEAD.format(directory=tmp_path, on_stop="release")
    running = start_director(director, release + PORT_80, tmp_path)
    rest = sorted(OURS_80 + FOREIGN)
    eventually(lambda: kernel_table(director), START_SECONDS, expected=rest)

    assert director.stop(running) == 0
    assert kernel_table(director) == FOREIGN
