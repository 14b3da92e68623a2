"""The hosts of most lab tests: a client, directors and web servers, and the kernel's IPVS table."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from hadirector.lab.topology import Host, Network

CLIENT_ADDRESS = "192.168.122.70"
DIRECTOR_ADDRESSES = ("192.168.122.30", "192.168.122.31")
WEB_ADDRESSES = ("192.168.122.45", "192.168.122.46")
VIRTUAL_ADDRESS = "192.168.122.22"

# For a director without hadirector, which sets these itself. With one interface the host would send
# redirects to the real servers; the setting of "all" is not enough (ip-sysctl).
FORWARDS: Final = {
    "net.ipv4.ip_forward": "1",
    "net.ipv4.conf.all.send_redirects": "0",
    "net.ipv4.conf.eth0.send_redirects": "0",
}


@dataclass(frozen=True)
class Site:
    """A client, one or two directors and two web servers, all on one bridge."""

    client: Host
    directors: tuple[Host, ...]
    webs: tuple[Host, Host]

    def start_webs(self) -> list[subprocess.Popen[str]]:
        """Start web1 and web2. Each answers with its name."""
        return [start_web(web, web.name) for web in self.webs]


def build_site(network: Network, forwarding: Literal["nat", "dr"], directors: int = 1) -> Site:
    """Build the hosts that a forwarding method needs. No host has the virtual address yet.

    The director's own sysctls are left to hadirector.

    nat: on one subnet the replies would bypass the director. Therefore the web servers have a route
    to the client through the first director. dr: the web servers have the virtual address on their
    loopback and do not answer ARP requests for it (arp_ignore and arp_announce,
    Documentation/networking/ip-sysctl).
    """
    silent = {"net.ipv4.conf.all.arp_ignore": "1", "net.ipv4.conf.all.arp_announce": "2"}
    back = f"{CLIENT_ADDRESS}/32 via {DIRECTOR_ADDRESSES[0]}"
    client = network.host("client", f"{CLIENT_ADDRESS}/24")
    made = [
        network.host(f"director{number}", f"{address}/24")
        for number, address in enumerate(DIRECTOR_ADDRESSES[:directors], start=1)
    ]
    web1, web2 = (
        network.host(
            f"web{number}",
            f"{address}/24",
            routes=[back] if forwarding == "nat" else [],
            sysctls=silent if forwarding == "dr" else {},
        )
        for number, address in enumerate(WEB_ADDRESSES, start=1)
    )
    if forwarding == "dr":
        for web in (web1, web2):
            web.ip(f"address add {VIRTUAL_ADDRESS}/32 dev lo")
    return Site(client, tuple(made), (web1, web2))


def start_web(host: Host, name: str) -> subprocess.Popen[str]:
    """Start a web server on port 80 that answers with its name; return when it listens."""
    # With dr, requests come to the virtual address; with nat, to the server's own address.
    arguments = ["--address", "0.0.0.0", "--port", "80", "--name", name]  # a lab
    process = host.start(
        sys.executable, "-m", "hadirector.demo.web", *arguments, output=subprocess.PIPE
    )
    assert process.stdout is not None
    said = process.stdout.readline()
    if said != "ready\n":
        raise RuntimeError(f"the web server {name} did not start: {said}{process.stdout.read()}")
    return process


def fetch(client: Host, address: str, count: int, *, seconds: float = 5.0) -> list[str]:
    """Make ``count`` requests one after the other, each on a new connection; return the answers.

    For a request that fails, or takes longer than ``seconds``, the answer is ``failed: `` with
    curl's reason. One curl process makes all requests.
    """
    limit = ["--max-time", f"{seconds:g}", "--header", "Connection: close"]
    told = ["--silent", "--write-out", "%{onerror}failed: %{errormsg}\n"]
    result = client.run(
        *("curl", *limit, *told, f"http://{address}/[1-{count}]"),
        timeout=count * seconds + 60.0,
        check=False,
    )
    return result.stdout.splitlines()


def start_director(
    host: Host, configuration: str, directory: Path, python: Sequence[str] = (sys.executable,)
) -> subprocess.Popen[str]:
    """Start ``hadirector run`` with a configuration; it logs to ``NAME.log`` in ``directory``.

    ``python`` is the command that runs a module. The command of another checkout runs the director
    of that checkout.
    """
    file = directory / f"{host.name}.yaml"
    file.write_text(configuration)
    with (directory / f"{host.name}.log").open("a") as log:
        return host.start(*python, "-m", "hadirector", "run", "-c", str(file), output=log)


def kernel_table(host: Host) -> list[str]:
    """Return the host's IPVS table in the form of ``ipvsadm --save --numeric``, sorted."""
    return sorted(line.strip() for line in host.run("ipvsadm", "-Sn").stdout.splitlines())
