"""Directors with real routing engines, which announce an address to a router. No IPVS is needed."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import msgspec

from hadirector.api.client import request
from hadirector.lab.topology import Host, Network
from hadirector.status.report import Status
from tests.lab.experiment import start_director, start_web
from tests.lab.routing_engines import (
    BFD_INTERVAL,
    BFD_MULTIPLIER,
    DIRECTOR_ASN,
    Engine,
    RoutingEngine,
    next_hops,
    router_file,
)
from tests.waiting import eventually

ADDRESS, ADDRESS_IPV6 = "203.0.113.1", "2001:db8::1"
ROUTER, ROUTER_IPV6 = "10.99.0.254", "fd00:99::254"
DIRECTORS = ("10.99.0.1", "10.99.0.2", "10.99.0.3", "10.99.0.4")
BACKENDS = ("10.99.0.11", "10.99.0.12")
CONFIGURATION = """\
director: {{name: {name}, dataplane: dry-run, runtime_directory: {directory}/{name}}}
announce:
  engine: {engine}
  engine_socket: {socket}
  groups:
    - name: web
      addresses: [203.0.113.1, "2001:db8::1"]
      rise: 500ms
      passing: {{low: 60%, high: 80%}}
{groups}
virtual_servers:
  - name: web
    address: 203.0.113.1:80
    scheduler: mh
    forwarding: dr
    check: {{type: tcp, interval: 200ms, timeout: 200ms, rise: 2, fall: 2}}
    real_servers: [{{address: 10.99.0.11}}, {{address: 10.99.0.12}}]
"""


class Site:
    """A router, directors with these engines, and two web servers.

    ``more_groups`` are lines of YAML for the groups of all directors.
    """

    def __init__(
        self,
        network: Network,
        directory: Path,
        engines: Sequence[Engine],
        router: Engine,
        more_groups: str = "",
    ) -> None:
        self.directory = directory
        self._more_groups = more_groups
        self.addresses = DIRECTORS[: len(engines)]
        self._engine: dict[str, Engine] = {}
        self.router = network.host("router", f"{ROUTER}/24", f"{ROUTER_IPV6}/64")
        self.directors = [
            network.host(f"lb{number}", f"{address}/24", f"fd00:99::{number}/64")
            for number, address in enumerate(self.addresses, start=1)
        ]
        self.webs: list[Host] = []
        for number, address in enumerate(BACKENDS, start=1):
            self.webs.append(network.host(f"web{number}", f"{address}/24"))
            start_web(self.webs[-1], f"web{number}")
        neighbors = [each for host in self.directors for each in _bare(host.addresses)]
        self._router_engine = RoutingEngine(
            self.router, directory, router, router_file(router, ROUTER, neighbors)
        )
        self.processes: dict[str, subprocess.Popen[str]] = {}
        self.engines: dict[str, RoutingEngine] = {}
        for host, engine in zip(self.directors, engines, strict=True):
            self._engine[host.name] = engine
            self.engines[host.name] = self._start(host)

    def start_director(self, host: Host) -> None:
        engine, socket = self._engine[host.name], self.directory / f"engine-{host.name}"
        text = CONFIGURATION.format(
            name=f"run-{host.name}",
            directory=self.directory,
            engine=engine,
            socket=socket / "bird.ctl" if engine == "bird" else socket,
            groups=self._more_groups,
        )
        self.processes[host.name] = start_director(host, text, self.directory)

    def wait_for(self, *directors: int, seconds: float = 20.0) -> float:
        """Wait until the route leads to these directors alone; return the time of that moment."""
        wanted = frozenset(self.addresses[number - 1] for number in directors)
        return eventually(self.next_hops, seconds, "the next hops", expected=wanted)

    def next_hops(self) -> frozenset[str]:
        return next_hops(self.router, ADDRESS)

    def next_hops_ipv6(self) -> int:
        """Return the number of next hops. FRR names link-local addresses."""
        return len(next_hops(self.router, ADDRESS_IPV6))

    def blind(self, host: Host, *, blind: bool) -> None:
        word = "add" if blind else "del"
        host.ip(*(f"route {word} unreachable {address}/32" for address in BACKENDS))

    def wait_for_role(self, role: str) -> None:
        """Wait until all groups of all directors have this announcement."""
        for host in self.directors:
            eventually(partial(self._roles, host.name), 20.0, expected={role})

    def _roles(self, name: str) -> set[str]:
        announcements = self.status(name).announcements
        return set() if announcements is None else {each.role for each in announcements.groups}

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

    def router_prefixes(self) -> int:
        """Return the number of prefixes that a router with FRR has from all directors."""
        vtysh = ("vtysh", "--vty_socket", str(self._router_engine.socket), "-c")
        found = json.loads(self.router.run(*vtysh, "show bgp ipv4 unicast summary json").stdout)
        return sum(peer["pfxRcd"] for peer in found["peers"].values())

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
            *("--neighbor", ROUTER, "--neighbor", ROUTER_IPV6),
            *("--bfd-interval", str(BFD_INTERVAL)),
            *("--bfd-multiplier", str(BFD_MULTIPLIER)),
        )
        return RoutingEngine(host, self.directory, engine, made.stdout)


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


def _bare(addresses: Sequence[str]) -> list[str]:
    """Return addresses without their prefix lengths."""
    return [address.partition("/")[0] for address in addresses]
