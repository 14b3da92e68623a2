"""An unready director of a pair gives its addresses to a ready peer, and takes them back."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from hadirector.api.client import request
from hadirector.cli import main
from hadirector.lab.topology import Network
from hadirector.status.readiness import PairReadiness
from hadirector.status.report import Status
from tests.lab.paired_directors import VIRTUAL_ADDRESS, PairedDirector, build_pair
from tests.waiting import eventually

pytestmark = [pytest.mark.netns, pytest.mark.timeout(120)]


def readiness(director: PairedDirector) -> PairReadiness:
    status = msgspec.json.decode(request(director.socket, "GET", "/v1/status"), type=Status)
    assert status.pair_readiness is not None
    return status.pair_readiness


def codes(director: PairedDirector) -> list[str]:
    return [lack.code for lack in readiness(director).lacks]


def obstruct_history(director: PairedDirector) -> Path:
    """Let the director fail to store its history; return the directory that is in the way."""
    obstacle = director.directory / director.host.name / "history.new"
    obstacle.mkdir()
    request(director.socket, "PUT", "/v1/pause", {"reason": "an entry", "expires_in": 600})
    eventually(lambda: codes(director), 10.0, director.host.name, expected=["state_not_writable"])
    return obstacle


def test_an_unready_director_relies_on_a_ready_peer(
    network: Network, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """While both are unready, no address moves."""
    lb1, lb2 = build_pair(network, tmp_path)
    lb1.priority = 120
    for director in (lb1, lb2):
        director.start()
    for director in (lb1, lb2):
        director.wait_for("pair_peer_reached")
    eventually(lambda: lb1.host.holds(VIRTUAL_ADDRESS), 20.0, "lb1 ACTIVE")
    assert readiness(lb1) == PairReadiness(ready=True, priority_lowered=False, may_preempt=True)

    other = obstruct_history(lb2)
    obstacle = obstruct_history(lb1)
    eventually(lambda: readiness(lb1).lacks[0].seconds > 4.0, 10.0, "an old fact")
    assert not readiness(lb1).priority_lowered
    assert not readiness(lb2).priority_lowered
    assert lb1.host.holds(VIRTUAL_ADDRESS)

    assert main(["handover", "--socket", lb1.socket]) == 1
    refusal = capsys.readouterr().err
    assert refusal.startswith(
        "hadirector: the standby is not ready:\n  lb2: it cannot store its state ("
    )

    other.rmdir()
    eventually(lambda: lb2.host.holds(VIRTUAL_ADDRESS), 15.0, "lb2 ACTIVE")
    assert lb1.wait_for("priority_lowered")["reasons"][0].startswith("state_not_writable: ")
    assert not lb2.events("priority_lowered")

    obstacle.rmdir()
    eventually(lambda: lb1.host.holds(VIRTUAL_ADDRESS), 20.0, "lb1 ACTIVE again")
    lb1.wait_for("priority_restored")
