"""Elections continue while no process reads the director's log, and while its configuration
changes.
"""

from __future__ import annotations

import os
import select
import sys
import time
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from hadirector.api.client import request
from hadirector.lab.topology import Host, Network
from hadirector.status.report import Status
from tests.lab.experiment import start_director
from tests.lab.routers import VIRTUAL_ADDRESS, Heard, Listener
from tests.waiting import eventually

pytestmark = pytest.mark.netns

CONFIGURATION = """\
director: {{name: {name}, dataplane: dry-run, runtime_directory: {directory}/{name}}}
vrrp:
  - name: web
    interface: eth0
    virtual_router_id: 51
    priority: {priority}
    advert_interval: 100ms
    virtual_addresses: [{addresses}]
"""
THOUSAND_SERVERS = "virtual_servers:\n" + "".join(
    f"  - {{address: '10.99.0.100:{port}', scheduler: rr, forwarding: nat, check: none,"
    f" real_servers: [{{address: 10.99.0.9}}]}}\n"
    for port in range(1, 1001)
)
ONE, BOTH = VIRTUAL_ADDRESS, f"{VIRTUAL_ADDRESS}, 10.99.0.101"


def status(directory: Path, name: str) -> Status:
    answer = request(f"{directory}/{name}/api.sock", "GET", "/v1/status")
    return msgspec.json.decode(answer, type=Status)


def is_full(pipe: int) -> bool:
    """Return whether a pipe has no free page for another line. Its pages may have gaps."""
    return not select.select([], [pipe], [], 0)[1]


def longest_gap(heard: list[Heard]) -> float:
    return max(after.at - before.at for before, after in pairwise(heard))


def test_a_log_reader_that_has_stopped_delays_nothing(network: Network, tmp_path: Path) -> None:
    """The pipe is full after 64 KiB. Advertisements keep their pace and the director answers."""
    host = network.host("director", "10.99.0.1/24")
    witness = network.host("witness", "10.99.0.9/24")
    text = CONFIGURATION.format(name="lb1", directory=tmp_path, priority=200, addresses=ONE)
    file = tmp_path / "director.yaml"
    file.write_text(text + THOUSAND_SERVERS)
    unread, log = os.pipe()
    host.start(sys.executable, "-m", "hadirector", "run", "-c", str(file), output=log)
    eventually(
        lambda: host.holds(VIRTUAL_ADDRESS) and is_full(log),
        20.0,
        "the address, and a full queue of reports",
    )
    with Listener(witness) as listener:
        time.sleep(2.0)
        heard = listener.heard()
    assert status(tmp_path, "lb1").instances[0].state == "ACTIVE"
    for descriptor in (unread, log):
        os.close(descriptor)
    assert len(heard) >= 19
    assert longest_gap(heard) < 0.2


def test_an_address_added_on_one_director_and_then_on_the_other_makes_no_flap(
    network: Network, tmp_path: Path
) -> None:
    """The directors reload one after the other. While their lists differ, no address moves."""
    better, worse = (
        network.host(name, f"10.99.0.{number}/24") for number, name in enumerate(("lb1", "lb2"), 1)
    )
    witness = network.host("witness", "10.99.0.9/24")
    priorities = {better: 200, worse: 100}

    def configuration(host: Host, addresses: str) -> str:
        return CONFIGURATION.format(
            name=host.name, directory=tmp_path, priority=priorities[host], addresses=addresses
        )

    for host in priorities:
        start_director(host, configuration(host, ONE), tmp_path)
        eventually(lambda: better.holds(VIRTUAL_ADDRESS), 20.0, "the address at the better router")
    eventually(lambda: (tmp_path / "lb2.log").read_text().count('"BACKUP"'), 20.0, expected=1)

    with Listener(witness) as listener:
        for host in priorities:
            (tmp_path / f"{host.name}.yaml").write_text(configuration(host, BOTH))
            assert b"change VRRP instance web" in request(
                f"{tmp_path}/{host.name}/api.sock", "POST", "/v1/reload"
            )
            time.sleep(0.5)
        heard = listener.heard()
    assert {(each.source, each.priority) for each in heard} == {("10.99.0.1", 200)}
    assert longest_gap(heard) < 0.2
    assert better.holds("10.99.0.101")
    assert not worse.holds("10.99.0.101")
    assert status(tmp_path, "lb2").instances[0].state == "BACKUP"
