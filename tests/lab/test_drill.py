"""A drill moves the addresses to the standby and back, also if the director dies meanwhile."""

from __future__ import annotations

import contextlib
import json
import signal
from pathlib import Path
from typing import Any

import pytest

from hadirector.api.client import ApiError, request
from hadirector.cli import main
from hadirector.lab.topology import Network
from tests.lab.paired_directors import VIRTUAL_ADDRESS, PairedDirector, build_pair
from tests.waiting import eventually

pytestmark = [pytest.mark.netns, pytest.mark.timeout(120)]


def drills(director: PairedDirector) -> list[dict[str, Any]]:
    """Return the entries of the history about drills."""
    with contextlib.suppress(ApiError):
        answer = json.loads(request(director.socket, "GET", "/v1/history?kind=drill"))
        return [entry["fields"] | {"event": entry["event"]} for entry in answer["entries"]]
    return []


def kill_and_start(director: PairedDirector) -> None:
    assert director.process is not None
    director.process.send_signal(signal.SIGKILL)
    director.process.wait()
    director.start()


def test_a_drill_leaves_the_pair_as_it_was(
    network: Network, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lb1, lb2 = build_pair(network, tmp_path)
    lb1.start()
    eventually(lambda: lb1.host.holds(VIRTUAL_ADDRESS), 20.0, "lb1 ACTIVE")
    assert main(["drill", "--socket", lb1.socket]) == 1
    assert "hadirector: the standby is not ready:\n  lb2 is not reached" in capsys.readouterr().err

    lb2.start()
    lb1.wait_for("pair_peer_reached")
    eventually(lambda: lb2.events("vrrp_state_changed"), 20.0, "lb2 BACKUP")
    command = ["drill", "--for", "5s", "--reason", "quarterly", "--socket", lb1.socket, "--json"]
    eventually(lambda: main(command) == 0 or capsys.readouterr().err, 30.0, expected=True)
    result = json.loads(capsys.readouterr().out)
    assert (result["state"], result["standby"], result["probes_lost"]) == ("passed", "ready", 0)
    assert result["probes_sent"] > 100
    assert lb1.host.holds(VIRTUAL_ADDRESS)
    assert not lb2.host.holds(VIRTUAL_ADDRESS)
    assert [(each["event"], each["state"], each["reason"]) for each in drills(lb1)] == [
        ("drill_ended", "passed", "quarterly")
    ]

    crash = ["drill", "--crash", "--for", "5s", "--socket", lb1.socket, "--json"]
    assert main(crash) == 0, capsys.readouterr().err
    result = json.loads(capsys.readouterr().out)
    assert (result["crash"], result["state"]) == (True, "passed")
    assert lb1.wait_for("process_died")["process"] == "vrrp"
    assert lb1.host.holds(VIRTUAL_ADDRESS)
    kill_and_start(lb1)
    eventually(lambda: lb1.host.holds(VIRTUAL_ADDRESS), 40.0, "lb1 ACTIVE after the crash")
    eventually(lambda: len(drills(lb1)) >= 2, 10.0, "both drills in the history")

    begun = json.loads(request(lb1.socket, "POST", "/v1/drills", {"seconds": 8, "anyway": True}))
    with pytest.raises(ApiError, match=f"drill {begun['number']} runs"):
        request(lb1.socket, "POST", "/v1/drills", {"anyway": True})
    eventually(lambda: lb2.host.holds(VIRTUAL_ADDRESS), 10.0, "lb2 ACTIVE")
    kill_and_start(lb1)
    eventually(lambda: lb1.host.holds(VIRTUAL_ADDRESS), 40.0, "lb1 ACTIVE again")
    eventually(lambda: bool(drills(lb1)), 10.0, "the history of lb1")
    eventually(lambda: drills(lb1)[-1]["event"], 10.0, "the end", expected="drill_interrupted")
    assert drills(lb1)[-1]["addresses_back"] is True
