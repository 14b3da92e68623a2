"""The overrides of a pair: one order on one director applies on both, whatever fails meanwhile."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.experiment import fetch, start_web
from tests.lab.paired_directors import VIRTUAL_ADDRESS, PoolDirector, build_pool_pair
from tests.waiting import eventually

pytestmark = [pytest.mark.netns, pytest.mark.timeout(120)]

ONE, TWO = "web/10.99.0.8:80", "web/10.99.0.9:80"


@pytest.fixture
def web_servers(network: Network) -> list[subprocess.Popen[str]]:
    hosts = [network.host(f"web{n}", f"10.99.0.{7 + n}/24") for n in (1, 2)]
    return [start_web(host, host.name) for host in hosts]


@pytest.fixture
def pair(
    network: Network, tmp_path: Path, web_servers: object
) -> tuple[PoolDirector, PoolDirector]:
    """Two directors that have each other's state, where lb1 is ACTIVE."""
    lb1, lb2 = build_pool_pair(network, tmp_path)
    for director in (lb1, lb2):
        director.start()
    for director in (lb1, lb2):
        director.wait_for("pair_peer_reached")
        director.wait_for("quorum_reached")
    eventually(lambda: lb1.host.holds(VIRTUAL_ADDRESS), 20.0, "lb1 ACTIVE")
    return lb1, lb2


def test_a_failover_during_a_drain_sends_nothing_to_the_drained_server(
    pair: tuple[PoolDirector, PoolDirector], network: Network
) -> None:
    lb1, lb2 = pair
    client: Host = network.host("client", "10.99.0.70/24")
    assert set(fetch(client, VIRTUAL_ADDRESS, 4)) == {"web1", "web2"}
    drained = lb1.command("drain", ONE, "--reason", "kernel", "--require-peer")
    assert drained.stdout.splitlines()[1] == "known to lb2"
    assert drained.returncode == 0
    assert lb1.process is not None
    lb1.host.kill_processes()
    eventually(lambda: lb2.host.holds(VIRTUAL_ADDRESS), 5.0, "lb2 ACTIVE")
    assert fetch(client, VIRTUAL_ADDRESS, 10) == ["web2"] * 10
    set_here = lb2.events("override_set")[0]
    assert (set_here["director"], set_here["description"]) == (
        "lb1",
        "draining, by unix:root: kernel",
    )
    # A whole virtual server, while the peer is dead: it gets it when it is back.
    enabled = lb2.command("undrain", ONE, "--require-peer")
    assert "lb1 not reached: it will get it" in enabled.stdout
    assert enabled.returncode == 1
    assert lb2.command("weight", "web", "7").returncode == 0
    lb1.start()
    eventually(lb1.overrides, 20.0, expected={ONE: "weight", TWO: "weight"})


def test_conflicting_orders_and_a_crash_end_the_same_way_on_both(
    pair: tuple[PoolDirector, PoolDirector],
) -> None:
    """The link is down during both orders, and lb2 crashes before it is up again."""
    lb1, lb2 = pair
    lb2.host.link_down()
    assert "lb2 not reached: it will get it" in lb1.command("drain", "host", "10.99.0.8").stdout
    lb2.command("disable", ONE)
    assert lb2.process is not None
    lb2.process.send_signal(signal.SIGKILL)
    lb2.process.wait()
    lb2.start()
    eventually(lb2.overrides, 20.0, expected={ONE: "disable"})
    lb2.host.link_up()

    def conflicts() -> list[dict[str, Any]]:
        return [e for each in (lb1, lb2) for e in each.events("override_conflict_decided")]

    # If one director has decided before the other one asks it, only that one sees the loser.
    eventually(conflicts, 30.0, "the conflict")
    assert {(each["winner"], each["loser"]) for each in conflicts()} == {
        ("disabled, by unix:root on lb2", "draining, by unix:root on lb1")
    }
    for director in (lb1, lb2):
        eventually(director.overrides, 5.0, expected={ONE: "disable"})
