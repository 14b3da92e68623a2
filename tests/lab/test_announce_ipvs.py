"""Two directors with IPVS, mh and dr serve one address by ECMP. Open connections survive.

The router divides the connections by their ports (fib_multipath_hash_policy 1). One of the three
real servers fails from the start, so that its connections use the fallback of mh.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.experiment import start_director
from tests.lab.routing_engines import DIRECTOR_ASN, RoutingEngine, next_hops, router_file
from tests.waiting import eventually

pytestmark = [pytest.mark.ipvs, pytest.mark.bird, pytest.mark.timeout(300)]

ADDRESS, CLIENT, ROUTER = "203.0.113.1", "10.99.0.70", "10.99.0.254"
DIRECTORS = ("10.99.0.1", "10.99.0.2")
PORT = 7000
FLOWS = 100
CONFIGURATION = """\
director: {{name: {name}, runtime_directory: {directory}/{name}}}
announce:
  engine: bird
  engine_socket: {directory}/engine-{name}/bird.ctl
  groups: [{{name: web, addresses: [203.0.113.1], rise: 1s}}]
virtual_servers:
  - name: web
    address: 203.0.113.1:7000
    scheduler: mh
    scheduler_flags: [port]
    forwarding: dr
    check: {{type: tcp, interval: 2s, timeout: 2s, rise: 1, fall: 2}}
    real_servers: [{{address: 10.99.0.11}}, {{address: 10.99.0.12}}, {{address: 10.99.0.13}}]
"""


class Site:
    """A client, a router, two directors and two real servers, all on one bridge."""

    def __init__(self, network: Network, directory: Path) -> None:
        self._directory = directory
        silent = {"net.ipv4.conf.all.arp_ignore": "1", "net.ipv4.conf.all.arp_announce": "2"}
        divides = {
            "net.ipv4.ip_forward": "1",
            "net.ipv4.fib_multipath_hash_policy": "1",
            "net.ipv4.conf.all.send_redirects": "0",
            "net.ipv4.conf.eth0.send_redirects": "0",
        }
        self.router = network.host("router", f"{ROUTER}/24", sysctls=divides)
        self.client = network.host("client", f"{CLIENT}/24", routes=[f"default via {ROUTER}"])
        for number in (1, 2):
            web = network.host(f"web{number}", f"10.99.0.1{number}/24", sysctls=silent)
            web.ip(f"address add {ADDRESS}/32 dev lo")
            server = web.start(*_flows("serve", web.name, str(PORT)), output=subprocess.PIPE)
            assert server.stdout is not None
            assert server.stdout.readline() == "ready\n"
        self.directors = [
            network.host(f"lb{number}", f"{address}/24")
            for number, address in enumerate(DIRECTORS, start=1)
        ]
        RoutingEngine(self.router, directory, "bird", router_file("bird", ROUTER, DIRECTORS))
        self.processes = {host.name: self.start_director(host) for host in self.directors}
        self.engines = [self._start_engine(host) for host in self.directors]

    def start_director(self, host: Host) -> subprocess.Popen[str]:
        text = CONFIGURATION.format(name=host.name, directory=self._directory)
        return start_director(host, text, self._directory)

    def wait_for(self, *directors: int) -> None:
        """Wait until the route leads to these directors alone."""
        wanted = frozenset(DIRECTORS[number - 1] for number in directors)
        look = lambda: next_hops(self.router, ADDRESS)  # noqa: E731  # a look for `eventually`
        eventually(look, 60.0, "the next hops", expected=wanted)

    def kill_director(self, host: Host) -> None:
        """Kill all processes of a director at the same time. Its engine runs on."""
        engine = {each.pid for engine in self.engines for each in engine.processes}
        pids = [pid for pid in host.pids() if pid not in engine]
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)

    def _start_engine(self, host: Host) -> RoutingEngine:
        made = host.run(
            *(sys.executable, "-m", "hadirector", "announce-config", "bird"),
            *("-c", str(self._directory / f"{host.name}.yaml")),
            *("--asn", str(DIRECTOR_ASN), "--neighbor", ROUTER, "--bfd-interval", "300"),
        )
        return RoutingEngine(host, self._directory, "bird", made.stdout)


def _flows(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tests.lab.open_flows", *arguments]


def _connections(host: Host) -> int:
    """Return the number of connections of a director's IPVS."""
    return len(host.run("ipvsadm", "-Lnc").stdout.splitlines()) - 2


def test_connections_survive_each_planned_and_unplanned_loss_of_a_director(
    network: Network,
) -> None:
    """A stop, the return, and the death of all processes: nothing is broken, nothing is lost."""
    with tempfile.TemporaryDirectory() as made:
        directory = Path(made)
        directory.chmod(0o755)
        site = Site(network, directory)
        site.wait_for(1, 2)
        one, two = site.directors
        client = subprocess.Popen(
            [
                "ip",
                "netns",
                "exec",
                site.client.namespace,
                *_flows("hold", ADDRESS, str(PORT), str(FLOWS)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert client.stdout is not None
        assert client.stdout.readline() == "open\n"
        assert min(_connections(one), _connections(two)) > FLOWS / 4

        site.processes["lb1"].terminate()
        assert site.processes["lb1"].wait(60.0) == 0
        assert _connections(two) >= FLOWS / 2

        site.processes["lb1"] = site.start_director(one)
        site.wait_for(1, 2)

        site.kill_director(two)
        site.wait_for(1)
        figures = json.loads(client.communicate("", timeout=60.0)[0])
        print(figures)
        assert (figures["broken"], figures["lost"]) == ([], [])
        assert figures["servers"] == ["web1", "web2"]
