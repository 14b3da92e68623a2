"""Failures of the pair link, of its process and of a peer: the election goes on without it.

test_pair_view.py has the failures of VRRP beside a working link, and test_pair_bad_peer.py those
that a peer causes.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import msgspec
import pytest

from hadirector.api.client import request
from hadirector.lab.topology import Network
from hadirector.status.report import Status
from tests.lab.paired_directors import (
    PORT,
    VIRTUAL_ADDRESS,
    PairedDirector,
    build_directors,
    build_pair,
)
from tests.waiting import eventually

pytestmark = [pytest.mark.netns, pytest.mark.timeout(120)]
TABLE = "add table ip f; add chain ip f i { type filter hook input priority 0; };"
REACHED, LOST = "pair_peer_reached", "pair_peer_lost"
LOST_SECONDS = 20.0
"""A peer is lost after 10 s; the rest is for a busy machine."""


def drop(director: PairedDirector, packets: str) -> None:
    director.host.run("nft", f"{TABLE} add rule ip f i {packets} drop")


def mend(director: PairedDirector) -> None:
    director.host.run("nft", "delete", "table", "ip", "f")


def web_process(director: PairedDirector) -> int:
    status = msgspec.json.decode(request(director.socket, "GET", "/v1/status"), type=Status)
    return next(each.pid or 0 for each in status.processes if each.name == "web")


def roles(*directors: PairedDirector) -> list[int]:
    return [len(director.events("vrrp_state_changed")) for director in directors]


def holders(*directors: PairedDirector) -> list[str]:
    return [each.host.name for each in directors if each.host.holds(VIRTUAL_ADDRESS)]


def start_pair(network: Network, directory: Path) -> tuple[PairedDirector, PairedDirector]:
    """Start a pair; return when both directors know each other, and lb1 has the address."""
    lb1, lb2 = build_pair(network, directory)
    lb1.start()
    lb2.start()
    for director in (lb1, lb2):
        director.wait_for(REACHED)
    eventually(lambda: holders(lb1, lb2), 20.0, "lb1 alone", expected=["lb1"])
    return lb1, lb2


def test_the_election_goes_on_without_the_link(network: Network, tmp_path: Path) -> None:
    """The link is filtered, then its process dies, then the standby is frozen, then all is cut."""
    lb1, lb2 = start_pair(network, tmp_path)
    before = roles(lb1, lb2)

    drop(lb2, f"tcp dport {PORT}")
    lost = lb1.wait_for(LOST, LOST_SECONDS)
    assert (lost["previous"], lost["state"], lost["address"]) == (
        "reached",
        "lost",
        f"10.99.0.2:{PORT}",
    )
    assert lb2.events(LOST) == [], "its own requests still pass"
    mend(lb2)
    lb1.wait_for(REACHED, count=2)

    os.kill(web_process(lb2), signal.SIGKILL)
    lb2.wait_for("process_died")
    eventually(lambda: web_process(lb2), 10.0, "the web process is restarted")

    for pid in lb2.host.pids():
        os.kill(pid, signal.SIGSTOP)
    lb1.wait_for(LOST, LOST_SECONDS, count=2)
    assert holders(lb1, lb2) == ["lb1"]
    for pid in lb2.host.pids():
        os.kill(pid, signal.SIGCONT)
    lb1.wait_for(REACHED, LOST_SECONDS, count=3)
    assert roles(lb1, lb2) == before

    drop(lb2, "ip saddr 10.99.0.1")
    drop(lb1, "ip saddr 10.99.0.2")
    eventually(lambda: holders(lb1, lb2), 10.0, "plain VRRP", expected=["lb1", "lb2"])
    mend(lb1)
    mend(lb2)
    eventually(lambda: holders(lb1, lb2), 10.0, "lb1 alone again", expected=["lb1"])


def test_a_frozen_active_director_loses_the_address_and_the_link(
    network: Network, tmp_path: Path
) -> None:
    """Its last state stays known, and its first state afterwards is believed: nothing is older."""
    lb1, lb2 = start_pair(network, tmp_path)
    pids = lb1.host.pids()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    eventually(lambda: holders(lb1, lb2), 10.0, "lb2 alone", expected=["lb2"])
    lb2.wait_for(LOST, LOST_SECONDS)
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    lb2.wait_for(REACHED, LOST_SECONDS, count=2)
    assert lb2.events("pair_peer_refused") == []


def test_three_directors_all_know_each_other(network: Network, tmp_path: Path) -> None:
    directors = build_directors(network, tmp_path, 3)
    for director in directors:
        director.start()
    for director in directors:
        director.wait_for(REACHED, count=2)
        peers = {event["peer"] for event in director.events(REACHED)}
        assert peers == {"lb1", "lb2", "lb3"} - {director.host.name}
    eventually(lambda: holders(*directors), 20.0, "lb1 alone", expected=["lb1"])
    os.kill(web_process(directors[1]), signal.SIGKILL)
    directors[0].stop()
    eventually(lambda: holders(*directors), 10.0, "lb2 alone", expected=["lb2"])
