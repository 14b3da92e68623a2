"""`hadirector handover` waits: it names the router that has taken over, or fails."""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec
import pytest

from hadirector.api.client import ApiError, request
from hadirector.cli import main
from hadirector.lab.topology import Host, Network
from hadirector.status.report import Status
from tests.lab.experiment import start_director
from tests.waiting import eventually

pytestmark = [pytest.mark.netns, pytest.mark.timeout(60)]

CONFIGURATION = """\
director: {{name: {name}, dataplane: dry-run, runtime_directory: {directory}/{name}}}
vrrp:
  - name: web
    interface: eth0
    virtual_router_id: 51
    priority: {priority}
    advert_interval: 100ms
    virtual_addresses: [10.99.0.100]
"""


UNKNOWN = "without a pair link, it is not known whether the standby was ready\n"


class Directors:
    """Directors on one link, and the commands of their operators."""

    def __init__(self, network: Network, directory: Path) -> None:
        self._network, self.directory = network, directory

    def start(self, name: str, address: str, priority: int) -> Host:
        host = self._network.host(name, f"{address}/24")
        text = CONFIGURATION.format(name=name, directory=self.directory, priority=priority)
        start_director(host, text, self.directory)
        return host

    def state(self, name: str) -> str:
        with contextlib.suppress(ApiError):
            answer = request(f"{self.directory}/{name}/api.sock", "GET", "/v1/status")
            for instance in msgspec.json.decode(answer, type=Status).instances:
                return instance.state.value
        return "unknown"

    def command(self, name: str, *words: str) -> int:
        return main([*words, "--socket", f"{self.directory}/{name}/api.sock"])


def pid(directors: Directors, name: str, process: str) -> int | None:
    with contextlib.suppress(ApiError):
        answer = request(f"{directors.directory}/{name}/api.sock", "GET", "/v1/status")
        processes = msgspec.json.decode(answer, type=Status).processes
        return next(each.pid for each in processes if each.name == process)
    return None


def test_a_restart_with_vrrp_replaces_the_process_while_a_peer_serves(
    network: Network, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a peer, it is refused and the director goes on as before."""
    directors = Directors(network, tmp_path)
    first = directors.start("lb1", "10.99.0.1", 200)
    eventually(lambda: directors.state("lb1"), 20.0, "lb1", expected="ACTIVE")
    vrrp = pid(directors, "lb1", "vrrp")
    assert directors.command("lb1", "restart", "--vrrp") == 1
    assert "no peer has taken over, so nothing was restarted" in capsys.readouterr().err
    assert pid(directors, "lb1", "vrrp") == vrrp
    assert first.holds("10.99.0.100")
    second = directors.start("lb2", "10.99.0.2", 100)
    eventually(lambda: directors.state("lb2"), 20.0, "lb2", expected="BACKUP")
    assert directors.command("lb1", "restart", "--vrrp") == 0
    said = capsys.readouterr().out
    assert said.startswith("web: 10.99.0.2 has taken over\nrestarted: version ")
    assert "was not replaced" not in said
    eventually(lambda: pid(directors, "lb1", "vrrp") not in (None, vrrp), 20.0, "a new process")
    eventually(lambda: directors.state("lb1"), 20.0, "lb1", expected="ACTIVE")
    eventually(lambda: second.holds("10.99.0.100"), 20.0, "the end of lb2", expected=False)
    assert first.holds("10.99.0.100")


def test_a_handover_names_the_successor_or_fails(
    network: Network, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directors = Directors(network, tmp_path)
    directors.start("lb1", "10.99.0.1", 200)
    eventually(lambda: directors.state("lb1"), 20.0, "lb1", expected="ACTIVE")
    assert directors.command("lb1", "handover", "--wait", "1s") == 1
    said = capsys.readouterr()
    assert said.out == UNKNOWN
    assert said.err.startswith(
        "hadirector: web: no peer has taken over within 1 s; this director still holds the"
    )
    assert directors.command("lb1", "handover", "--undo") == 0
    directors.start("lb2", "10.99.0.2", 100)
    eventually(lambda: directors.state("lb2"), 20.0, "lb2", expected="BACKUP")
    capsys.readouterr()
    assert directors.command("lb1", "handover") == 0
    assert capsys.readouterr().out == f"{UNKNOWN}web: 10.99.0.2 has taken over\n"
    assert directors.state("lb2") == "ACTIVE"
    assert directors.command("lb1", "handover") == 0
    assert capsys.readouterr().out == "web: the instance was BACKUP already; 10.99.0.2 is active\n"
