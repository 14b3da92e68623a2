"""Death certificates between two routers: killed, suspended, cut off, and beside other hosts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.experiment import start_director
from tests.lab.routers import VIRTUAL_ADDRESS, VrrpRouter
from tests.lab.wire import Wire
from tests.waiting import eventually

pytestmark = pytest.mark.netns

# Interval 0.5 s, priority 100: the skew time is 0.305 s. An advertisement counts as missed after
# 0.55 s, so a death costs at most 0.855 s. Without a certificate a takeover costs at least
# 2 x 0.5 + 0.305 s.
INTERVAL = 0.5
LONGEST_AFTER_DEATH = 0.855
SHORTEST_WITHOUT = 1.305
SLACK = 0.2
DIED = "the vrrp process of the active router died"
SILENT = "the active router stopped advertising"

FAMILIES: dict[str, tuple[tuple[str, str], str]] = {
    "IPv4": (("10.99.0.1/24", "10.99.0.2/24"), "10.99.0.100/32"),
    "IPv6": (("2001:db8::1/64", "2001:db8::2/64"), "fe80::100/64"),
}


class Pair:
    """A router with priority 200, which is ACTIVE, and its BACKUP router with priority 100."""

    def __init__(self, network: Network, directory: Path, family: str = "IPv4") -> None:
        (first, second), self._virtual = FAMILIES[family]
        self.first, self.second = network.host("first", first), network.host("second", second)
        self._directory = directory

    def start(self, *options: str, active_options: tuple[str, ...] | None = None) -> None:
        """Start both routers, and wait until the BACKUP router has had its answer."""
        of_first = options if active_options is None else active_options
        self.active = self._router(self.first, 200, of_first)
        self.active.wait_for("ACTIVE")
        self.backup = self._router(self.second, 100, options)
        self.backup.wait_for("BACKUP")
        answered = 1 if of_first else 0
        eventually(
            lambda: (
                self.counter("questions_sent") > 0
                and counters(self.active).get("questions_answered", 0) >= answered
            ),
            10.0,
            "an answered question",
        )

    def takeover(self, began: float) -> tuple[float, str]:
        """Wait until the BACKUP router is ACTIVE; return the seconds since ``began`` and why."""
        transition = self.backup.wait_for("ACTIVE")
        return transition["at"] - began, transition["reason"]

    def counter(self, name: str) -> int:
        return counters(self.backup).get(name, 0)

    def _router(self, host: Host, priority: int, options: tuple[str, ...]) -> VrrpRouter:
        return VrrpRouter(
            host,
            self._directory,
            *options,
            priority=priority,
            advert_interval=INTERVAL,
            addresses=(self._virtual,),
        )


def counters(router: VrrpRouter) -> dict[str, int]:
    found: dict[str, Any] = router.status()["counters"]
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_the_death_of_the_process_is_known_after_one_missed_advertisement(
    family: str, network: Network, tmp_path: Path
) -> None:
    pair = Pair(network, tmp_path, family)
    pair.start("--death-certificates")
    began = pair.backup.status()["at"]
    pair.active.crash()
    seconds, reason = pair.takeover(began)
    assert reason == DIED
    assert seconds < LONGEST_AFTER_DEATH + SLACK
    assert pair.counter("questions_refused") >= 2


def test_signed_questions_are_answered_and_unsigned_ones_are_not(
    network: Network, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text("hex:" + "5a" * 32)
    pair = Pair(network, tmp_path)
    pair.start("--death-certificates", "--hmac-key", f"7:{key}")
    ask = (
        "import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.settimeout(0.3)\n"
        "s.setsockopt(0, socket.IP_TTL, 255); s.connect(('10.99.0.1', 9472))\n"
        "s.send(bytes.fromhex('3e33000000000000' + '00' * 8)); s.recv(99)"
    )
    refused = pair.second.run("python3", "-c", ask, check=False)
    assert "timed out" in refused.stderr
    assert counters(pair.active)["questions_not_authentic"] == 1
    began = pair.backup.status()["at"]
    pair.active.crash()
    seconds, reason = pair.takeover(began)
    assert (reason, seconds < LONGEST_AFTER_DEATH + SLACK) == (DIED, True)


def test_the_addresses_are_announced_again_when_those_of_the_dead_kernel_have_expired(
    network: Network, tmp_path: Path
) -> None:
    """Their lifetime is 3 s here. The other announcements are sent at once and after 5 s."""
    pair = Pair(network, tmp_path)
    pair.start("--death-certificates")
    with Wire(pair.first) as wire:
        pair.active.crash()
        taken = pair.backup.wait_for("ACTIVE")["at"]
        eventually(
            lambda: any(2.9 < each.at - taken < 4.0 for each in wire.arp("10.99.0.100")),
            6.0,
            "an announcement after the lifetime",
        )


@pytest.mark.parametrize("fault", ["suspended", "cut off", "without a port"])
def test_without_a_certificate_the_timer_is_the_usual_one(
    fault: str, network: Network, tmp_path: Path
) -> None:
    """A suspended process has its port, and a host that cannot be reached refuses nothing.

    A program without the port, such as keepalived, never answered.
    """
    pair = Pair(network, tmp_path)
    without = fault == "without a port"
    pair.start("--death-certificates", active_options=() if without else None)
    began = pair.backup.status()["at"]
    if fault == "suspended":
        os.kill(pair.active.process.pid, signal.SIGSTOP)
    elif fault == "cut off":
        pair.first.link_down()
    else:
        pair.active.crash()
    seconds, reason = pair.takeover(began)
    assert reason == SILENT
    assert seconds > SHORTEST_WITHOUT - 0.05


ASK_FOR_A_SECOND = """
import socket, time
s = socket.socket(type=socket.SOCK_DGRAM)
s.connect(("10.99.0.1", 9472))
print("ready", flush=True)
refusals, end = 0, time.monotonic() + 1
while time.monotonic() < end:
    try:
        s.send(bytes(16))
    except ConnectionRefusedError:
        refusals += 1
    time.sleep(0.005)
print(refusals, "refusals", flush=True)
"""
DIRECTOR = """\
director: {{name: lb1, dataplane: dry-run, runtime_directory: {directory}/run}}
vrrp:
  - name: web
    interface: eth0
    virtual_router_id: 51
    priority: 200
    advert_interval: 1s
    virtual_addresses: [10.99.0.100]
    death_certificates: true
"""


def test_a_director_that_restarts_its_vrrp_process_is_not_taken_for_dead(
    network: Network, tmp_path: Path
) -> None:
    """The director holds the port meanwhile. When all its processes are dead, nothing holds it."""
    first, second = network.host("first", "10.99.0.1/24"), network.host("second", "10.99.0.2/24")
    start_director(first, DIRECTOR.format(directory=tmp_path), tmp_path)
    eventually(lambda: first.holds(VIRTUAL_ADDRESS), 20.0, "the director ACTIVE")
    backup = VrrpRouter(second, tmp_path, "--death-certificates", priority=100, advert_interval=1.0)
    backup.wait_for("BACKUP")
    eventually(lambda: counters(backup).get("questions_sent", 0), 10.0, "a question")

    asking = second.start(sys.executable, "-c", ASK_FOR_A_SECOND, output=subprocess.PIPE)
    assert asking.stdout is not None
    assert asking.stdout.readline() == "ready\n"
    [killed] = vrrp_processes(first)
    os.kill(killed, signal.SIGKILL)
    assert asking.stdout.readline() == "0 refusals\n"
    eventually(lambda: vrrp_processes(first) not in ([], [killed]), 10.0, "a new vrrp process")
    heard = counters(backup)["advertisements_received"]
    eventually(
        lambda: counters(backup)["advertisements_received"] > heard + 1, 10.0, "advertisements"
    )
    assert backup.entered("ACTIVE") == 0

    first.kill_processes()
    assert backup.wait_for("ACTIVE")["reason"] == DIED


def vrrp_processes(host: Host) -> list[int]:
    """Return the process ids of the vrrp processes on a host."""
    commands = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in host.pids()}
    return [pid for pid, command in commands.items() if b"vrrp_process" in command]
