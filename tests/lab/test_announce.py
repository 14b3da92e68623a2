"""Two directors announce one address through a real engine, and a router divides the connections.

Two directors with BIRD have a router with FRR. A director with FRR and a director with BIRD have a
router with BIRD, which puts both into one ECMP group. A health check reaches both web servers.
Nothing is forwarded: the host kernel has no IPVS.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from hadirector.api.client import request
from hadirector.lab.topology import Host, Network
from hadirector.status.report import Status
from tests.lab.experiment import start_director, start_web
from tests.lab.routing_engines import (
    BFD_INTERVAL,
    BFD_MULTIPLIER,
    DIRECTOR_ASN,
    ENGINES,
    Engine,
    RoutingEngine,
    next_hops,
    router_file,
)
from tests.waiting import eventually

pytestmark = [
    pytest.mark.netns,
    pytest.mark.frr,
    pytest.mark.bird,
    pytest.mark.timeout(120),
]

ADDRESS = "203.0.113.1"
ROUTER = "10.99.0.254"
DIRECTORS = ("10.99.0.1", "10.99.0.2")
BACKENDS = ("10.99.0.11", "10.99.0.12")
LIFETIME_SECONDS = 3
SLACK_SECONDS = 1.0
"""The machine may be busy. Without load, a change takes less than 0.15 s."""
CONFIGURATION = """\
director: {{name: {name}, dataplane: dry-run, runtime_directory: {directory}/{name}}}
announce:
  engine: {engine}
  engine_socket: {socket}
  groups: [{{name: web, addresses: [203.0.113.1], rise: 500ms}}]
virtual_servers:
  - name: web
    address: 203.0.113.1:80
    scheduler: mh
    forwarding: dr
    check: {{type: tcp, interval: 200ms, timeout: 200ms, rise: 2, fall: 2}}
    real_servers: [{{address: 10.99.0.11}}, {{address: 10.99.0.12}}]
"""


class Site:
    """The router, two directors with their engines, and two web servers."""

    def __init__(self, network: Network, directory: Path, engine: Engine) -> None:
        self.directory = directory
        self._engine: dict[str, Engine] = {"lb1": engine, "lb2": "bird"}
        other: Engine = "frr" if engine == "bird" else "bird"
        self.router = network.host("router", f"{ROUTER}/24")
        self.directors = [
            network.host(f"lb{number}", f"{address}/24")
            for number, address in enumerate(DIRECTORS, start=1)
        ]
        for number, address in enumerate(BACKENDS, start=1):
            start_web(network.host(f"web{number}", f"{address}/24"), f"web{number}")
        text = router_file(other, ROUTER, DIRECTORS)
        self._router_engine = RoutingEngine(self.router, directory, other, text)
        self.processes: dict[str, subprocess.Popen[str]] = {}
        self.engines = {each.name: self._start(each) for each in self.directors}

    def start_director(self, host: Host) -> None:
        engine, socket = self._engine[host.name], self.directory / f"engine-{host.name}"
        text = CONFIGURATION.format(
            name=f"run-{host.name}",
            directory=self.directory,
            engine=engine,
            socket=socket / "bird.ctl" if engine == "bird" else socket,
        )
        self.processes[host.name] = start_director(host, text, self.directory)

    def wait_for(self, *directors: int, seconds: float = 20.0) -> float:
        """Wait until the route leads to these directors alone; return the time of that moment."""
        wanted = frozenset(DIRECTORS[number - 1] for number in directors)
        return eventually(self.next_hops, seconds, "the next hops", expected=wanted)

    def next_hops(self) -> frozenset[str]:
        return next_hops(self.router, ADDRESS)

    def blind(self, host: Host, *, blind: bool) -> None:
        word = "add" if blind else "del"
        host.ip(*(f"route {word} unreachable {address}/32" for address in BACKENDS))

    def status(self, name: str) -> Status:
        answer = request(f"{self.directory}/run-{name}/api.sock", "GET", "/v1/status")
        return msgspec.json.decode(answer, type=Status)

    def problems(self, name: str) -> list[str]:
        """Return the codes of the problems of a director."""
        verdict = self.status(name).verdict
        return [problem.code for problem in verdict.problems] if verdict else []

    def sessions(self, name: str) -> dict[str, str]:
        """Return the state of each session of the engine that a director shows."""
        announcements = self.status(name).announcements
        assert announcements is not None
        assert announcements.engine is not None
        return {each.neighbor: each.state for each in announcements.engine.sessions}

    def updates(self) -> int:
        """Return the number of changes of the BGP table of a router with FRR."""
        vtysh = ("vtysh", "--vty_socket", str(self._router_engine.socket), "-c")
        found = json.loads(self.router.run(*vtysh, "show bgp summary json").stdout)
        return int(found["ipv4Unicast"]["tableVersion"])

    def director_pids(self, host: Host) -> list[int]:
        """Return the processes of the director, without the processes of the engine."""
        engine = {process.pid for process in self.engines[host.name].processes}
        return [pid for pid in host.pids() if pid not in engine]

    def _start(self, host: Host) -> RoutingEngine:
        self.start_director(host)
        engine = self._engine[host.name]
        made = host.run(
            *(sys.executable, "-m", "hadirector", "announce-config", engine),
            *("-c", str(self.directory / f"{host.name}.yaml"), "--asn", str(DIRECTOR_ASN)),
            *("--neighbor", ROUTER, "--bfd-interval", str(BFD_INTERVAL)),
            *("--bfd-multiplier", str(BFD_MULTIPLIER)),
        )
        return RoutingEngine(host, self.directory, engine, made.stdout)


@pytest.fixture(scope="module", params=ENGINES)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """The site of all tests. Each test leaves both directors announced."""
    with tempfile.TemporaryDirectory() as made, Network() as network:
        Path(made).chmod(0o755)
        site = Site(network, Path(made), request.param)
        site.wait_for(1, 2)
        yield site


@contextlib.contextmanager
def always_routed(site: Site, hops: frozenset[str] = frozenset()) -> Iterator[None]:
    """Check the whole time that the router has a route, with at least these next hops."""
    missing, ended = [], threading.Event()

    def look() -> None:
        while not ended.wait(0.02):
            found = site.next_hops()
            if not found or not found >= hops:
                missing.append(time.monotonic())

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield
    finally:
        ended.set()
        looking.join()
    assert missing == []


def test_a_blind_director_is_avoided_until_all_are_blind(site: Site) -> None:
    """Reluctant directors get traffic if no other director is left. There is always a route."""
    one, two = site.directors
    with always_routed(site):
        site.blind(one, blind=True)
        site.wait_for(2)
        site.blind(two, blind=True)
        site.wait_for(1, 2)
        site.blind(one, blind=False)
        site.wait_for(1)
        site.blind(two, blind=False)
        site.wait_for(1, 2)


@pytest.mark.parametrize("site", ["bird"], indirect=True)
def test_the_addresses_of_a_suspended_director_expire(site: Site) -> None:
    """The local route stays, so packets on their way are served. It returns after ``rise``."""
    one = site.directors[0]
    pids = site.director_pids(one)
    with always_routed(site):
        began = time.monotonic()
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        gone = site.wait_for(2)
        assert gone - began < LIFETIME_SECONDS + 1.5 + SLACK_SECONDS
        assert ADDRESS in one.run("ip", "route", "show", "table", "local", "proto", "112").stdout
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        site.wait_for(1, 2)


def test_the_death_of_the_engine_is_noticed_at_once(site: Site) -> None:
    """The router closes the session. The engine that returns announces the address again.

    The director keeps the address on its device, and shows the session.
    """
    one = site.directors[0]
    eventually(lambda: site.sessions("lb1"), 20.0, expected={ROUTER: "Established"})
    began = time.monotonic()
    site.engines["lb1"].kill()
    assert site.wait_for(2) - began < 0.15 + SLACK_SECONDS
    eventually(lambda: "announced_to_no_router" in site.problems("lb1"), 10.0)
    assert one.holds(ADDRESS)
    site.engines["lb1"].start()
    site.wait_for(1, 2)
    eventually(lambda: site.problems("lb1"), 20.0, expected=[])


@pytest.mark.parametrize("site", ["bird"], indirect=True)
def test_a_restart_keeps_the_announcement(site: Site) -> None:
    """The new program adopts the addresses. The router never gives the connections away.

    Neither the restart nor the renewals of the lifetime cause a BGP update.
    """
    one = site.directors[0]
    run = str(site.directory / "run-lb1" / "api.sock")
    updates = site.updates()
    with always_routed(site, frozenset(DIRECTORS)):
        one.run(sys.executable, "-m", "hadirector", "restart", "--socket", run)
        time.sleep(LIFETIME_SECONDS + 1.5)
    assert site.updates() == updates


@pytest.mark.parametrize("site", ["bird"], indirect=True)
def test_an_operator_withdraws_a_group_and_undoes_that(site: Site) -> None:
    """The director serves packets that still arrive. A restart keeps the order."""
    one = site.directors[0]
    order = (sys.executable, "-m", "hadirector")
    socket = ("--socket", f"{site.directory}/run-lb1/api.sock")
    done = one.run(*order, "handover", "web", *socket)
    assert done.stdout == "web: withdrawn; other directors serve its addresses\n"
    site.wait_for(2)
    assert ADDRESS in one.run("ip", "route", "show", "table", "local", "proto", "112").stdout
    one.run(*order, "restart", *socket)
    eventually(lambda: site.problems("lb1"), 20.0, expected=["handed_over"])
    assert site.next_hops() == {DIRECTORS[1]}
    one.run(*order, "handover", "--undo", "web", *socket)
    site.wait_for(1, 2)


@pytest.mark.parametrize("site", ["bird"], indirect=True)
def test_a_reload_removes_and_adds_announced_addresses(site: Site) -> None:
    """Without the section, nothing of it is left on the host. A new address is announced too."""
    one, file = site.directors[0], site.directory / "lb1.yaml"
    text = file.read_text()
    reload = (sys.executable, "-m", "hadirector", "reload")
    socket = ("--socket", f"{site.directory}/run-lb1/api.sock")
    file.write_text(text[: text.index("announce:")] + text[text.index("virtual_servers:") :])
    one.run(*reload, *socket)
    site.wait_for(2)
    assert not one.holds(ADDRESS)
    assert "hadirector0" not in one.run("ip", "-br", "link").stdout
    assert one.run("ip", "route", "show", "table", "local", "proto", "112").stdout == ""
    file.write_text(text.replace("[203.0.113.1]", "[203.0.113.1, 203.0.113.2]"))
    one.run(*reload, *socket)
    site.wait_for(1, 2)
    assert one.holds("203.0.113.2")
    file.write_text(text)
    one.run(*reload, *socket)
    eventually(lambda: one.holds("203.0.113.2"), 10.0, expected=False)
    assert site.next_hops() == frozenset(DIRECTORS)


def test_a_director_that_stops_withdraws_first_and_removes_everything(site: Site) -> None:
    """It leaves foreign objects in place: an address on its device, and a local route."""
    one = site.directors[0]
    one.ip(
        "address add 198.51.100.7/32 dev hadirector0",
        "route add local 198.51.100.8 dev lo table local",
    )
    began = time.monotonic()
    site.processes["lb1"].terminate()
    assert site.wait_for(2) - began < 0.2 + SLACK_SECONDS
    assert site.processes["lb1"].poll() is None, "it takes packets until none came for a second"
    assert ADDRESS in one.run("ip", "route", "show", "table", "local", "proto", "112").stdout
    assert site.processes["lb1"].wait(20.0) == 0
    assert one.run("ip", "route", "show", "table", "local", "proto", "112").stdout == ""
    assert not one.holds(ADDRESS)
    assert one.holds("198.51.100.7")
    assert "198.51.100.8" in one.run("ip", "route", "show", "table", "local").stdout
    one.ip("address del 198.51.100.7/32 dev hadirector0")
    site.start_director(one)
    site.wait_for(1, 2)
