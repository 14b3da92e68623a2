"""The link between two directors: states in both directions, and nothing for anybody else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hadirector.lab.topology import Network
from tests.lab.paired_directors import (
    VIRTUAL_ADDRESS,
    PairedDirector,
    build_pair,
    make_identity,
    peer_entry,
)
from tests.waiting import eventually

pytestmark = [pytest.mark.netns, pytest.mark.timeout(90)]


@pytest.fixture
def pair(network: Network, tmp_path: Path) -> tuple[PairedDirector, PairedDirector]:
    """Two directors that know each other, where lb1 is ACTIVE."""
    lb1, lb2 = build_pair(network, tmp_path)
    lb1.start()
    lb2.start()
    for director in (lb1, lb2):
        director.wait_for("pair_peer_reached")
    eventually(lambda: lb1.host.holds(VIRTUAL_ADDRESS), 20.0, "lb1 ACTIVE")
    return lb1, lb2


def test_each_director_learns_the_state_of_the_other(
    pair: tuple[PairedDirector, PairedDirector],
) -> None:
    lb1, lb2 = pair
    reached = lb1.events("pair_peer_reached")[0]
    assert (reached["peer"], reached["address"]) == ("lb2", "10.99.0.2:9471")

    answers: list[str] = []

    def told() -> list[str]:
        answers.append(lb1.ask_as(lb2))
        if answers[-1].startswith("failed"):  # lb1 accepts five handshakes a second from a peer
            return []
        return [each["state"] for each in json.loads(answers[-1])["instances"]]

    eventually(told, 10.0, "the states that lb1 tells", expected=["ACTIVE"])
    state = json.loads(answers[-1])
    assert next(iter(state)) == "protocol"
    assert (state["pair"], state["name"], state["protocol"]) == (
        "edge",
        "lb1",
        {"lowest": 1, "highest": 1},
    )
    [instance] = state["instances"]
    assert (instance["name"], instance["vrid"], instance["state"]) == ("web", 51, "ACTIVE")
    [server] = state["virtual_servers"]
    assert (server["name"], server["passing"], server["total"]) == ("web", 1, 1)


def test_strangers_learn_nothing(
    pair: tuple[PairedDirector, PairedDirector], network: Network
) -> None:
    """A host that is no peer, a peer without a certificate, and other paths."""
    lb1, lb2 = pair
    stranger = network.host("lb3", "10.99.0.3/24")
    url = "https://10.99.0.1:9471/pair/v1/state"
    assert "failed" in PairedDirector.host_run(stranger, "--insecure", url)
    refused = lb1.wait_for("pair_client_refused")
    assert (refused["address"], refused["reason"]) == (
        "10.99.0.3",
        "it is not the address of a peer",
    )
    assert "failed" in PairedDirector.host_run(lb2.host, "--insecure", url)
    assert "failed" in lb1.ask_as(lb2, "", "--tls-max", "1.2")
    assert lb1.ask_as(lb2, "/../../../v1/status", "--path-as-is") == ""
    assert lb1.ask_as(lb2, "", "--request", "DELETE") == ""


def test_a_peer_that_is_listed_no_longer_learns_nothing_more(
    pair: tuple[PairedDirector, PairedDirector], tmp_path: Path
) -> None:
    """Its open connection ends, too."""
    lb1, lb2 = pair
    make_identity(tmp_path, "lb3")
    before, lb1.peers = lb1.peers, [peer_entry("lb3", tmp_path)]
    lb1.reload()
    refused = lb2.wait_for("pair_peer_refused")
    assert (refused["refusal"], refused["previous"]) == ("not_accepted", "reached")
    assert "failed" in lb1.ask_as(lb2)
    lb1.peers = before
    lb1.reload()
    lb2.wait_for("pair_peer_reached", count=2)
