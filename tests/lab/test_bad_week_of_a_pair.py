"""A bad week of an operator with two directors: docs/troubleshooting.md has a row for each test.

Each test plays one event, and looks at the log line, at `status`, and at `events` of the directors.
"""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.experiment import FORWARDS, kernel_table, start_director, start_web
from tests.lab.operator_console import PATIENCE_SECONDS, Console
from tests.lab.routers import Keepalived, wait_for_holder
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(120)

VIRTUAL_ADDRESS = "10.99.0.100"
ADDRESSES = {"lb1": "10.99.0.1", "lb2": "10.99.0.2"}
WEBS = {"web1": "10.99.0.11", "web2": "10.99.0.12"}
CONFIGURATION = """\
director: {{name: {name}, dataplane: {dataplane}, runtime_directory: {directory}/{name}}}
vrrp:
  - name: web
    interface: eth0
    virtual_router_id: 51
    priority: {priority}
    preempt: {preempt}
    advert_interval: 100ms
    virtual_addresses: [10.99.0.100]
virtual_servers:
  - name: web
    address: 10.99.0.100:80
    scheduler: rr
    check: {{type: tcp, interval: 200ms, timeout: 200ms, rise: 1, fall: 2}}
    real_servers: [{real_servers}]
"""


class Pair:
    """Two directors, of which lb1 is ACTIVE, and two real servers."""

    def __init__(self, network: Network, directory: Path, *, preempt: bool = True) -> None:
        self.network, self.directory, self.preempt = network, directory, preempt
        self.hosts: dict[str, Host] = {}
        self.processes: dict[str, subprocess.Popen[str]] = {}
        for name, address in WEBS.items():
            start_web(network.host(name, f"{address}/24"), name)
        for name, address in ADDRESSES.items():
            self.hosts[name] = network.host(name, f"{address}/24")
            self.start(name)
            hosts = tuple(self.hosts.values())
            wait_for_holder(hosts, self.hosts["lb1"], (VIRTUAL_ADDRESS,), 20.0)
        self.wait_for_states("ACTIVE", "BACKUP")

    def start(self, name: str) -> None:
        text = CONFIGURATION.format(
            name=name,
            directory=self.directory,
            dataplane="dry-run",
            priority=200 if name == "lb1" else 100,
            preempt=str(self.preempt).lower(),
            real_servers=", ".join(f"{{address: {address}}}" for address in WEBS.values()),
        )
        self.processes[name] = start_director(self.hosts[name], text, self.directory)

    def console(self, name: str) -> Console:
        return Console(self.directory / name / "api.sock", self.directory / f"{name}.log")

    def wait_for_states(self, *states: str) -> None:
        eventually(
            lambda: [self.console(name).state() for name in ADDRESSES],
            PATIENCE_SECONDS,
            "the states of lb1 and lb2",
            expected=list(states),
        )

    def isolate(self, *, isolated: bool) -> None:
        """Let the bridge forward nothing between the two directors, or everything again."""
        word = "on" if isolated else "off"
        self.network.batch_on_bridge(
            *(f"link set dev {name} type bridge_slave isolated {word}" for name in ADDRESSES)
        )


@pytest.fixture
def pair(network: Network, tmp_path: Path) -> Pair:
    return Pair(network, tmp_path)


@pytest.mark.netns
def test_the_active_director_crashes(pair: Pair) -> None:
    """The peer takes over. The events of the next run of the crashed director show the crash."""
    pair.processes["lb1"].kill()
    pair.processes["lb1"].wait()
    peer, crashed = pair.console("lb2"), pair.console("lb1")
    became = {"instance": "web", "previous": "BACKUP", "state": "ACTIVE"}
    peer.expect_log("vrrp_state_changed", "info", **became)
    peer.expect_event("vrrp_state_changed", **became)
    assert "ACTIVE" in peer.expect_status("this director")
    pair.start("lb1")
    crashed.expect_log("director_started", "warning", previous_run="crashed")
    crashed.expect_event("director_started", previous_run="crashed")
    pair.wait_for_states("ACTIVE", "BACKUP")
    peer.expect_log("vrrp_state_changed", "warning", previous="ACTIVE", state="BACKUP")


@pytest.mark.netns
def test_the_interface_of_the_active_director_fails(pair: Pair) -> None:
    pair.hosts["lb1"].link_down()
    pair.wait_for_states("INITIALIZE", "ACTIVE")
    failed = pair.console("lb1")
    lost = {"instance": "web", "previous": "ACTIVE", "state": "INITIALIZE", "reason": "link_down"}
    failed.expect_log("vrrp_state_changed", "warning", **lost)
    failed.expect_event("vrrp_state_changed", **lost)
    failed.expect_status("web takes no part in elections: link_down")
    pair.hosts["lb1"].link_up()
    pair.wait_for_states("ACTIVE", "BACKUP")


@pytest.mark.netns
def test_a_virtual_address_is_removed_by_hand(pair: Pair) -> None:
    """The ACTIVE director restores it at once."""
    host, console = pair.hosts["lb1"], pair.console("lb1")
    host.ip(f"address delete {VIRTUAL_ADDRESS}/32 dev eth0")
    console.expect_log("address_removed", "warning", instance="web", address=VIRTUAL_ADDRESS)
    console.expect_event("address_removed", instance="web", address=VIRTUAL_ADDRESS)
    eventually(lambda: host.holds(VIRTUAL_ADDRESS), PATIENCE_SECONDS, "the address")
    console.expect_status("ACTIVE", VIRTUAL_ADDRESS)


@pytest.mark.netns
def test_the_directors_do_not_hear_each_other(pair: Pair) -> None:
    """Both are ACTIVE. When they hear each other again, the lower priority gives way, and the other
    director records it.
    """
    pair.isolate(isolated=True)
    pair.wait_for_states("ACTIVE", "ACTIVE")
    other = pair.console("lb2")
    other.expect_event("vrrp_state_changed", previous="BACKUP", state="ACTIVE")
    pair.isolate(isolated=False)
    pair.wait_for_states("ACTIVE", "BACKUP")
    lost = {"previous": "ACTIVE", "state": "BACKUP"}
    other.expect_log("vrrp_state_changed", "warning", **lost)
    other.expect_event("vrrp_state_changed", **lost)
    winner = pair.console("lb1")
    winner.expect_log("contest_won", "warning", instance="web", source=ADDRESSES["lb2"])
    winner.expect_event("contest_won", instance="web", source=ADDRESSES["lb2"])


@pytest.mark.netns
def test_the_active_director_is_blind(network: Network, tmp_path: Path) -> None:
    """The peer sees the real servers, and does not preempt. Nevertheless it serves."""
    pair = Pair(network, tmp_path, preempt=False)
    blind = pair.console("lb1")
    for name in ADDRESSES:
        pair.console(name).expect_status("2 of 2 passing")
    pair.hosts["lb1"].ip(*(f"route add unreachable {each}/32" for each in WEBS.values()))
    blind.expect_log("blindness_began", "error", count=2)
    pair.wait_for_states("BACKUP", "ACTIVE")
    for event in ("blindness_began", "failing_servers_held", "handover_began"):
        blind.expect_event(event)
    blind.expect_status("blind: this director", "(visibility of backends)", "failing, but held")


@pytest.mark.netns
def test_the_checks_process_is_killed(pair: Pair) -> None:
    """It is started again, and the addresses stay."""
    console = pair.console("lb1")
    status = console.status()
    assert status is not None
    pid = next(process.pid for process in status.processes if process.name == "checks")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    console.expect_log("process_died", "error", process="checks")
    console.expect_event("process_died", process="checks")
    console.expect_status("(1 restarts)", "ACTIVE")
    assert pair.hosts["lb1"].holds(VIRTUAL_ADDRESS)


@pytest.mark.netns
@pytest.mark.keepalived
def test_the_peer_runs_keepalived(network: Network, tmp_path: Path) -> None:
    """The peer has the higher priority. When it crashes, the director takes over."""
    peer = network.host("lb2", "10.99.0.2/24")
    keepalived = Keepalived(peer, tmp_path, priority=250)
    eventually(lambda: peer.holds(VIRTUAL_ADDRESS), PATIENCE_SECONDS, "keepalived ACTIVE")
    host = network.host("lb1", "10.99.0.1/24")
    text = CONFIGURATION.format(
        name="lb1",
        directory=tmp_path,
        dataplane="dry-run",
        priority=200,
        preempt="true",
        real_servers="",
    )
    start_director(host, text, tmp_path)
    console = Console(tmp_path / "lb1" / "api.sock", tmp_path / "lb1.log")
    console.expect_status("BACKUP", " 10.99.0.2")
    keepalived.crash()
    became = {"instance": "web", "previous": "BACKUP", "state": "ACTIVE"}
    console.expect_log("vrrp_state_changed", "info", **became)
    console.expect_event("vrrp_state_changed", **became)
    console.expect_status("this director")
    eventually(lambda: host.holds(VIRTUAL_ADDRESS), PATIENCE_SECONDS, "the address")


@pytest.mark.ipvs
def test_another_program_clears_the_table(network: Network, tmp_path: Path) -> None:
    """The director repairs it within 10 s, and says what was missing."""
    start_web(network.host("web1", "10.99.0.11/24"), "web1")
    host = network.host("lb1", "10.99.0.1/24", sysctls=FORWARDS)
    text = CONFIGURATION.format(
        name="lb1",
        directory=tmp_path,
        dataplane="ipvs",
        priority=200,
        preempt="true",
        real_servers="{address: 10.99.0.11}",
    )
    start_director(host, text, tmp_path)
    table = ["-A -t 10.99.0.100:80 -s rr", "-a -t 10.99.0.100:80 -r 10.99.0.11:80 -m -w 1"]
    eventually(lambda: kernel_table(host), 60.0, "the table", expected=table)
    host.run("ipvsadm", "-C")
    console = Console(tmp_path / "lb1" / "api.sock", tmp_path / "lb1.log")
    console.expect_log("table_repaired", "warning", was="missing")
    console.expect_event("table_repaired", was="missing")
    eventually(lambda: kernel_table(host), 60.0, "the table", expected=table)
    console.expect_status("1 of 1 passing")
