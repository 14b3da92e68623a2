"""Four directors with IPVS, mh and dr serve an address by ECMP. Open connections survive.

The router divides the connections by their ports (fib_multipath_hash_policy 1). One of the three
real servers fails from the start, so that its connections use the fallback of mh.
"""

from __future__ import annotations

import contextlib
import ipaddress
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
from tests.lab.namespaces import inside
from tests.lab.routing_engines import DIRECTOR_ASN, RoutingEngine, next_hops, router_file
from tests.waiting import eventually

pytestmark = [pytest.mark.ipvs, pytest.mark.bird, pytest.mark.timeout(300)]

ADDRESS, CLIENT, ROUTER = "203.0.113.1", "10.99.0.70", "10.99.0.254"
ADDRESS_IPV6, ROUTER_IPV6 = "2001:db8::1", "fd00:99::254"
DIRECTORS = ("10.99.0.1", "10.99.0.2", "10.99.0.3", "10.99.0.4")
SERVERS = {"10.99.0.11": "web1", "10.99.0.12": "web2"}
PORT = 7000
FLOWS, FLOWS_IPV6 = 400, 100
PAUSE_SECONDS = 4
"""The time between two messages of a connection: User-Mode Linux has one processor."""
CONFIGURATION = """\
director: {{name: {name}, runtime_directory: {directory}/{name}}}
announce:
  engine: bird
  engine_socket: {directory}/engine-{name}/bird.ctl
  groups: [{{name: web, addresses: [203.0.113.1, "2001:db8::1"], rise: 1s}}]
virtual_servers:
  - name: web
    address: 203.0.113.1:7000
    scheduler: mh
    scheduler_flags: [port]
    forwarding: dr
    check: {{type: tcp, interval: 2s, timeout: 2s, rise: 1, fall: 2}}
    real_servers: [{{address: 10.99.0.11}}, {{address: 10.99.0.12}}, {{address: 10.99.0.13}}]
  - name: web6
    address: "[2001:db8::1]:7000"
    scheduler: mh
    scheduler_flags: [port]
    forwarding: dr
    check: {{type: tcp, interval: 2s, timeout: 2s, rise: 1, fall: 2}}
    real_servers: [{{address: "fd00:99::11"}}, {{address: "fd00:99::12"}}]
"""
TOO_BIG = """
import socket, struct, sys
to, client, *ports = sys.argv[1:]
places = socket.inet_aton(to) + socket.inet_aton(client)
with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sender:
    for port in map(int, ports):
        inner = struct.pack("!BBHHHBBH", 0x45, 0, 1500, 1, 0x4000, 64, 6, 0) + places
        body = struct.pack("!HH", 0, 1400) + inner + struct.pack("!HHI", 7000, port, 1)
        words = struct.unpack(f"!{len(body) // 2}H", body)
        total = sum(words) + 0x0304
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        sender.sendto(struct.pack("!BBH", 3, 4, ~total & 0xFFFF) + body, (to, 0))
"""
"""Reports that answers of the service to the client do not fit into 1400 octets (RFC 1191)."""


class Site:
    """A client, a router, four directors and two real servers, all on one bridge."""

    def __init__(self, network: Network, directory: Path) -> None:
        self._directory = directory
        silent = {"net.ipv4.conf.all.arp_ignore": "1", "net.ipv4.conf.all.arp_announce": "2"}
        divides = {
            "net.ipv4.ip_forward": "1",
            "net.ipv6.conf.all.forwarding": "1",
            "net.ipv4.fib_multipath_hash_policy": "1",
            "net.ipv6.fib_multipath_hash_policy": "1",
            "net.ipv4.conf.all.send_redirects": "0",
            "net.ipv4.conf.eth0.send_redirects": "0",
        }
        self.router = network.host("router", f"{ROUTER}/24", f"{ROUTER_IPV6}/64", sysctls=divides)
        routes = [f"default via {ROUTER}", f"default via {ROUTER_IPV6}"]
        self.client = network.host("client", f"{CLIENT}/24", "fd00:99::70/64", routes=routes)
        self.path = network.host("path", "10.99.0.80/24")
        self.webs = []
        for number in (1, 2):
            places = (f"10.99.0.1{number}/24", f"fd00:99::1{number}/64")
            web = network.host(f"web{number}", *places, sysctls=silent)
            web.ip(f"address add {ADDRESS}/32 dev lo", f"address add {ADDRESS_IPV6}/128 dev lo")
            server = web.start(*_flows("serve", web.name, str(PORT)), output=subprocess.PIPE)
            assert server.stdout is not None
            assert server.stdout.readline() == "ready\n"
            self.webs.append(web)
        self.directors = [
            network.host(f"lb{number}", f"{address}/24", f"fd00:99::{number}/64")
            for number, address in enumerate(DIRECTORS, start=1)
        ]
        neighbors = [at.partition("/")[0] for host in self.directors for at in host.addresses]
        text = router_file("bird", ROUTER, neighbors)
        RoutingEngine(self.router, directory, "bird", text)
        self.processes = {host.name: self.start_director(host) for host in self.directors}
        self.engines = [self._start_engine(host) for host in self.directors]

    def start_director(self, host: Host) -> subprocess.Popen[str]:
        text = CONFIGURATION.format(name=host.name, directory=self._directory)
        return start_director(host, text, self._directory)

    def command(self, host: Host, *command: str) -> None:
        """Run a command of an operator on a director."""
        socket = str(self._directory / host.name / "api.sock")
        host.run(sys.executable, "-m", "hadirector", *command, "--socket", socket)

    def wait_for(self, *directors: int) -> None:
        """Wait until the routes lead to these directors alone."""
        wanted = frozenset(DIRECTORS[number - 1] for number in directors)
        eventually(lambda: next_hops(self.router, ADDRESS), 60.0, expected=wanted)
        count = lambda: len(next_hops(self.router, ADDRESS_IPV6))  # noqa: E731  # a look
        eventually(count, 60.0, "the next hops of IPv6", expected=len(directors))

    def kill_director(self, host: Host) -> None:
        """Kill all processes of a director at the same time. Its engine runs on."""
        engine = {each.pid for engine in self.engines for each in engine.processes}
        pids = [pid for pid in host.pids() if pid not in engine]
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)

    def hold(self, address: str, count: int) -> subprocess.Popen[str]:
        """Start a client, and wait until it has so many open connections."""
        flows = _flows("hold", address, str(PORT), str(count), str(PAUSE_SECONDS))
        client = subprocess.Popen(
            ["ip", "netns", "exec", self.client.namespace, *flows],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert client.stdout is not None
        assert client.stdout.readline() == "open\n"
        return client

    def send_too_big(self, director: str, ports: list[int]) -> list[int]:
        """Report large answers through a director; return how many reports each server got."""
        before = [_reports(web) for web in self.webs]
        self.path.ip(f"route replace {ADDRESS}/32 via {director}")
        self.path.run(sys.executable, "-c", TOO_BIG, ADDRESS, CLIENT, *map(str, ports))
        arrived = lambda: sum(map(_reports, self.webs)) - sum(before)  # noqa: E731  # a look
        eventually(arrived, 10.0, "all reports arrive", expected=len(ports))
        return [_reports(web) - count for web, count in zip(self.webs, before, strict=True)]

    def _start_engine(self, host: Host) -> RoutingEngine:
        made = host.run(
            *(sys.executable, "-m", "hadirector", "announce-config", "bird"),
            *("-c", str(self._directory / f"{host.name}.yaml")),
            *("--asn", str(DIRECTOR_ASN), "--neighbor", ROUTER, "--neighbor", ROUTER_IPV6),
            *("--bfd-interval", "300"),
        )
        return RoutingEngine(host, self._directory, "bird", made.stdout)


def _flows(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tests.lab.open_flows", *arguments]


def _connections(host: Host) -> dict[int, str]:
    """Return the server of each open connection over IPv4, by the port of the client."""
    with inside(host):
        lines = Path("/proc/net/ip_vs_conn").read_text().splitlines()[1:]
    found = {}
    for line in lines:
        _, client, port, _, _, server, _, state, *_ = line.split()
        if len(client) == 8 and state == "ESTABLISHED":
            found[int(port, 16)] = SERVERS[str(ipaddress.ip_address(int(server, 16)))]
    return found


def _reports(web: Host) -> int:
    """Return how many reports of large packets a host has received (ICMP type 3)."""
    with inside(web):
        lines = Path("/proc/net/snmp").read_text().splitlines()
    names, values = (line.split() for line in lines if line.startswith("Icmp:"))
    return int(dict(zip(names, values, strict=True))["InDestUnreachs"])


def test_connections_survive_each_planned_and_unplanned_loss_of_a_director(
    network: Network,
) -> None:
    """Nothing is broken, and nothing is lost.

    A director is handed over and back, one is restarted as in an upgrade, one stops and returns,
    and all processes of one die. Reports of a small MTU reach the right server through a director
    that has not forwarded the connection.
    """
    with tempfile.TemporaryDirectory() as made:
        directory = Path(made)
        directory.chmod(0o755)
        site = Site(network, directory)
        site.wait_for(1, 2, 3, 4)
        one, two, three, four = site.directors
        clients = [site.hold(ADDRESS, FLOWS), site.hold(ADDRESS_IPV6, FLOWS_IPV6)]
        connections = [_connections(host) for host in site.directors]
        assert min(map(len, connections)) > FLOWS / 8

        ports = list(connections[0])[:20]
        servers = [connections[0][port] for port in ports]
        expected = [servers.count("web1"), servers.count("web2")]
        assert site.send_too_big(DIRECTORS[1], ports) == expected

        site.command(one, "handover", "web")
        site.wait_for(2, 3, 4)
        site.command(one, "handover", "--undo", "web")
        site.command(two, "restart")
        site.wait_for(1, 2, 3, 4)

        site.processes["lb3"].terminate()
        assert site.processes["lb3"].wait(60.0) == 0
        site.processes["lb3"] = site.start_director(three)
        site.wait_for(1, 2, 3, 4)

        site.kill_director(four)
        site.wait_for(1, 2, 3)
        for client in clients:
            figures = json.loads(client.communicate("", timeout=60.0)[0])
            print(figures)
            assert (figures["broken"], figures["lost"]) == ([], [])
            assert figures["servers"] == ["web1", "web2"]
