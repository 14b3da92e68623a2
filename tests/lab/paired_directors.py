"""Two to four directors in namespaces with a pair link, and certificates for them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from hadirector.api.client import ApiError, request
from hadirector.cli import main
from hadirector.lab.topology import Host, Network
from tests.lab.experiment import start_director
from tests.lab.probes.certificates import openssl
from tests.waiting import eventually

ADDRESSES: Final = {"lb1": "10.99.0.1", "lb2": "10.99.0.2", "lb3": "10.99.0.3", "lb4": "10.99.0.4"}
PRIORITIES: Final = {"lb1": 200, "lb2": 100, "lb3": 50, "lb4": 25}
VIRTUAL_ADDRESS: Final = "10.99.0.100"
PORT: Final = 9471
CONFIGURATION: Final = """\
director: {{name: {name}, dataplane: dry-run, log: json, runtime_directory: {directory}/{host}}}
pair:
  name: {pair}
  listen: {address}:{port}
  certificate: {directory}/{certificate}.pem
  key: {directory}/{certificate}.key
  peers:
{peers}
vrrp:
  - name: web
    interface: eth0
    virtual_router_id: 51
    priority: {priority}
    advert_interval: {advert_interval}
    virtual_addresses: [10.99.0.100]{settings}
virtual_servers:
  - name: web
    address: 10.99.0.100:80
    scheduler: rr
    forwarding: dr
    check: {{type: none}}
    real_servers: [{{address: 10.99.0.9}}]
"""
POOL: Final = """\
virtual_servers:
  - name: web
    address: 10.99.0.100:80
    scheduler: rr
    forwarding: nat
    check: {type: tcp, interval: 500ms, timeout: 500ms, rise: 1, fall: 2}
    real_servers: [{address: 10.99.0.8}, {address: 10.99.0.9}]
"""


def make_identity(directory: Path, name: str) -> None:
    """Make a key and a certificate as an operator does."""
    assert main(["pair", "init", "--name", name, "--directory", str(directory)]) == 0


def make_certificate(directory: Path, name: str, days: int = 1) -> Path:
    """Make a key and a certificate, which has expired if ``days`` is negative; return it."""
    certificate, key, request = (directory / f"{name}.{end}" for end in ("pem", "key", "csr"))
    openssl("genpkey", "-algorithm", "ed25519", "-out", key)
    openssl("req", "-new", "-key", key, "-subj", f"/CN={name}", "-out", request)
    signing = ("-signkey", key, "-days", str(days), "-out", certificate)
    openssl("x509", "-req", "-in", request, *signing)
    return certificate


def peer_entry(name: str, directory: Path, *, address: str = "", certificate: str = "") -> str:
    """Return one line of the list of peers."""
    where = address or f"{ADDRESSES[name]}:{PORT}"
    return (
        f'    - {{name: {name}, address: "{where}",'
        f" certificate: {directory}/{certificate or name}.pem}}"
    )


@dataclass
class PairedDirector:
    """A director with a pair link. Its name and its files can be changed before a start.

    ``settings`` are further lines of its VRRP instance.
    """

    host: Host
    directory: Path
    name: str = ""
    pair: str = "edge"
    priority: int = 100
    certificate: str = ""
    peers: list[str] = field(default_factory=list)
    advert_interval: str = "200ms"
    settings: tuple[str, ...] = ()
    process: subprocess.Popen[str] | None = None

    @property
    def text(self) -> str:
        return CONFIGURATION.format(
            name=self.name or self.host.name,
            host=self.host.name,
            directory=self.directory,
            pair=self.pair,
            address=ADDRESSES[self.host.name],
            port=PORT,
            certificate=self.certificate or self.host.name,
            peers="\n".join(self.peers),
            priority=self.priority,
            advert_interval=self.advert_interval,
            settings="".join(f"\n    {line}" for line in self.settings),
        )

    @property
    def socket(self) -> str:
        return f"{self.directory}/{self.host.name}/api.sock"

    def start(self) -> None:
        self.process = start_director(self.host, self.text, self.directory)

    def stop(self) -> None:
        assert self.process is not None
        self.host.stop(self.process)

    def reload(self) -> None:
        """Reload with the current text."""
        assert self.process is not None
        (self.directory / f"{self.host.name}.yaml").write_text(self.text)
        self.process.send_signal(signal.SIGHUP)

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the log lines with this name."""
        file = self.directory / f"{self.host.name}.log"
        lines = file.read_text().splitlines() if file.exists() else []
        found = [json.loads(line) for line in lines if line.startswith("{")]
        return [line for line in found if line.get("event") == name]

    def wait_for(self, event: str, seconds: float = 20.0, count: int = 1) -> dict[str, Any]:
        """Wait for the event; return the latest one."""
        eventually(lambda: len(self.events(event)) >= count, seconds, f"{self.host.name}: {event}")
        return self.events(event)[-1]

    def ask_as(self, peer: PairedDirector, query: str = "", *options: str) -> str:
        """Ask for the state with the identity of a peer, from its host; return the answer."""
        certificate = f"{self.directory}/{peer.certificate or peer.host.name}"
        address = ADDRESSES[self.host.name]
        return self.host_run(
            peer.host,
            *("--cert", f"{certificate}.pem", "--key", f"{certificate}.key"),
            *("--insecure", *options, f"https://{address}:{PORT}/pair/v1/state{query}"),
        )

    @staticmethod
    def host_run(host: Host, *options: str) -> str:
        """Run curl on a host; return its output and the reason of a failure."""
        told = ("--silent", "--max-time", "8", "--write-out", "%{onerror}failed: %{errormsg}")
        return host.run("curl", *told, *options, timeout=20.0, check=False).stdout


@dataclass
class PoolDirector(PairedDirector):
    """A director with a pool of two web servers, which its userspace dataplane serves."""

    pool: str = POOL
    paired: bool = True

    @property
    def text(self) -> str:
        head = super().text.split("virtual_servers:\n", 1)[0]
        if not self.paired:
            head = head.split("pair:\n", 1)[0] + "vrrp:\n" + head.split("vrrp:\n", 1)[1]
        return head.replace("dry-run", "userspace") + self.pool

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of an operator."""
        arguments = ("-m", "hadirector", *words, "--socket", self.socket)
        return self.host.run(sys.executable, *arguments, timeout=30.0, check=False)

    def overrides(self) -> dict[str, str]:
        """Return the actions of the overrides in force; none while the director starts."""
        try:
            answer = json.loads(request(self.socket, "GET", "/v1/overrides"))
        except ApiError:
            return {}
        return {each["name"]: each["action"] for each in answer["overrides"]}


def build_directors(network: Network, directory: Path, count: int) -> list[PairedDirector]:
    """Make hosts and the files of their directors. None runs yet, and lb1 has the best priority."""
    names = list(ADDRESSES)[:count]
    for name in names:
        make_identity(directory, name)
    peers = [peer_entry(name, directory) for name in names]
    return [
        PairedDirector(
            network.host(name, f"{ADDRESSES[name]}/24"),
            directory,
            priority=PRIORITIES[name],
            peers=peers,
        )
        for name in names
    ]


def build_pair(network: Network, directory: Path) -> tuple[PairedDirector, PairedDirector]:
    """Make two hosts and the files of their directors. Neither runs yet."""
    lb1, lb2 = build_directors(network, directory, 2)
    return lb1, lb2


def build_pool_pair(
    network: Network, directory: Path, pool: str = POOL
) -> tuple[PoolDirector, PoolDirector]:
    """Make two hosts and the files of their directors with a pool. Neither runs yet."""
    lb1, lb2 = build_pool_directors(network, directory, 2, pool)
    return lb1, lb2


def build_pool_directors(
    network: Network, directory: Path, count: int, pool: str = POOL
) -> list[PoolDirector]:
    """Make hosts and the files of their directors with a pool. None runs yet."""
    return [
        PoolDirector(each.host, directory, priority=each.priority, peers=each.peers, pool=pool)
        for each in build_directors(network, directory, count)
    ]


def run_python(host: Host, code: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a program on a host."""
    return host.start(sys.executable, "-c", code, *arguments, output=subprocess.PIPE)
