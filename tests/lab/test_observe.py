"""``hadirector observe`` beside a running pair of keepalived shows the pair and changes nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.experiment import (
    DIRECTOR_ADDRESSES,
    FORWARDS,
    VIRTUAL_ADDRESS,
    WEB_ADDRESSES,
    Site,
    build_site,
    fetch,
    kernel_table,
    start_web,
)
from tests.lab.keepalived_director import (
    START_SECONDS,
    configuration_of,
    log_of,
    start_keepalived,
)
from tests.lab.operator_console import Console
from tests.waiting import eventually

pytestmark = [pytest.mark.ipvs, pytest.mark.keepalived, pytest.mark.timeout(300)]

PRIORITIES: Final = (150, 100)
TABLE: Final = [
    "-A -t 192.168.122.22:80 -s rr",
    "-a -t 192.168.122.22:80 -r 192.168.122.45:80 -m -w 1",
    "-a -t 192.168.122.22:80 -r 192.168.122.46:80 -m -w 1",
]
ALWAYS_503: Final = """
from http.server import BaseHTTPRequestHandler, HTTPServer
class Unavailable(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(503)
server = HTTPServer(("0.0.0.0", 80), Unavailable)
print("ready", flush=True)
server.serve_forever()
"""
STATE: Final = (
    ("ipvsadm", "-Sn"),
    ("ipvsadm", "-L", "--daemon"),
    ("ipvsadm", "-L", "--timeout"),
    ("ip", "-o", "address"),
    ("ip", "route", "show", "table", "all"),
    ("ip", "rule"),
    ("ip", "maddress"),
    ("ip", "-o", "link"),
    ("sysctl", "-a", "--pattern", r"^net\.ipv4\.(ip_forward|vs\.|conf\.)"),
)


def kernel_state(host: Host) -> dict[str, list[str]]:
    """Return everything that a director may change; sorted, without remaining lifetimes."""
    return {" ".join(command): sorted(host.run(*command).stdout.splitlines()) for command in STATE}


class Capture:
    """A capture of the packets that a host sends, by tcpdump."""

    def __init__(self, host: Host, directory: Path) -> None:
        self._host = host
        self._file = directory / f"{host.name}.pcap"
        options = ("-i", "eth0", "-Q", "out", "-U", "-w", str(self._file))
        self._process = host.start("tcpdump", *options, output=subprocess.DEVNULL)
        eventually(lambda: self._file.exists() and self._file.stat().st_size > 0, 20.0, "tcpdump")

    def stop(self) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.wait(10.0)

    def sent(self, expression: str) -> list[str]:
        result = self._host.run("tcpdump", "-nn", "-r", str(self._file), expression)
        return result.stdout.splitlines()


@pytest.fixture
def site(network: Network, tmp_path: Path) -> Site:
    """A pair of keepalived, a web server that works, and one that answers 503."""
    made = build_site(network, "nat", directors=2)
    start_web(made.webs[0], "web1")
    broken = made.webs[1].start(sys.executable, "-c", ALWAYS_503, output=subprocess.PIPE)
    assert broken.stdout is not None
    assert broken.stdout.readline() == "ready\n"
    for director, priority in zip(made.directors, PRIORITIES, strict=True):
        director.sysctl(FORWARDS)
        start_keepalived(director, tmp_path, priority, "NAT")
    first = made.directors[0]
    eventually(lambda: first.holds(VIRTUAL_ADDRESS), 30.0, "keepalived is ACTIVE")
    # keepalived announces its addresses again 5 s after it became ACTIVE.
    log = log_of(first, tmp_path)
    eventually(
        lambda: log.read_text().count("Sending/queueing gratuitous ARPs"),
        30.0,
        "the announcements",
        expected=2,
    )
    for director in made.directors:
        eventually(partial(kernel_table, director), 30.0, "the table of keepalived", expected=TABLE)
    return made


def set_weight(host: Host, weight: str) -> None:
    server = ("-t", "192.168.122.22:80", "-r", "192.168.122.46:80")
    host.run("ipvsadm", "-e", *server, "-m", "-w", weight)


def observe(host: Host, directory: Path) -> tuple[subprocess.Popen[str], Console]:
    """Start the command; return when it has a verdict on both real servers."""
    base = directory / f"{host.name}-observe"
    log = directory / f"{host.name}.observe.log"
    with log.open("w") as output:
        process = host.start(
            *(
                sys.executable,
                "-m",
                "hadirector",
                "observe",
                str(configuration_of(host, directory)),
            ),
            *("--directory", str(base)),
            output=output,
        )
    console = Console(base / "api.sock", log)

    def verdicts() -> Sequence[str]:
        status = console.status()
        servers = status.virtual_servers[0].real_servers if status else ()
        return [server.verdict.value for server in servers]

    eventually(verdicts, START_SECONDS, "verdicts", expected=["passing", "passing"])
    return process, console


def test_the_pair_is_shown_and_nothing_changes(site: Site, tmp_path: Path) -> None:
    first, second = site.directors
    before = kernel_state(first)
    capture = Capture(first, tmp_path)
    process, console = observe(first, tmp_path)

    def shown() -> str:
        return console.command("status").out

    eventually(console.state, 30.0, "the state", expected="ACTIVE")
    eventually(lambda: "a request for / fails" in shown(), 30.0, "the closer look")
    text = shown()
    assert "observes: another program is in charge, and nothing is changed" in text
    assert f"{DIRECTOR_ADDRESSES[0]} (this host) advertised priority 150, version 2" in text
    assert f"{WEB_ADDRESSES[1]}:80 accepts connections, but a request for / fails" in text
    assert "difference" not in text
    assert "ACTIVE" in console.command("why", "instance", "VI_1").out

    set_weight(first, "7")
    eventually(lambda: "difference: hadirector would" in shown(), 30.0, "the difference")
    set_weight(first, "1")
    refused = console.command("handover")
    assert refused.status == 1
    assert "only observes" in refused.err

    assert "web1" in fetch(site.client, VIRTUAL_ADDRESS, 4)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30.0) == 0
    capture.stop()
    assert kernel_state(first) == before
    webs = " or ".join(f"dst host {address}" for address in WEB_ADDRESSES)
    relayed = f"src host {VIRTUAL_ADDRESS} or dst host {VIRTUAL_ADDRESS} or src net 192.168.122.70"
    others = f"ip and not vrrp and not (tcp port 80 and ({webs} or {relayed}))"
    assert capture.sent(others) == []
    assert capture.sent("arp and arp[14:4] == arp[24:4]") == []
    advertisements = capture.sent("vrrp")
    assert advertisements
    assert all(f"{DIRECTOR_ADDRESSES[0]} > 224.0.0.18" in line for line in advertisements)
    assert second.run("ipvsadm", "-Sn").stdout.splitlines()


def test_a_failover_of_the_pair_is_shown(site: Site, tmp_path: Path) -> None:
    first, second = site.directors
    _, console = observe(second, tmp_path)
    eventually(console.state, 30.0, "the state", expected="BACKUP")
    status = console.status()
    assert status is not None
    (router,) = status.instances[0].advertising_routers
    assert (router.address, router.priority, router.this_host) == (
        DIRECTOR_ADDRESSES[0],
        150,
        False,
    )
    first.kill_processes()
    eventually(console.state, 30.0, "the state", expected="ACTIVE")
    assert second.holds(VIRTUAL_ADDRESS)
    states = [(line["previous"], line["state"]) for line in console.log_lines("vrrp_state_changed")]
    assert states[-1][1] == "ACTIVE"
