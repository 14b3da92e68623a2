"""The environment in network namespaces, with kernel IPVS and VRRP over multicast. Needs root.

It uses dr and the scheduler mh with its port flag. Both directors therefore select the same real
server for a connection, and connections survive a change of director (net.ipv4.vs.sloppy_tcp).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from hadirector.demo.environment import (
    ORDINARY,
    Environment,
    Timing,
    UnavailableError,
    pair_section,
)
from hadirector.lab import uml
from hadirector.lab.topology import Host, Network, TopologyError

VIRTUAL_ADDRESS = "192.168.122.22"
DIRECTORS = {"lb1": "192.168.122.30", "lb2": "192.168.122.31"}
WEBS = {"web1": "192.168.122.45", "web2": "192.168.122.46", "web3": "192.168.122.47"}
CLIENT = "192.168.122.70"

# User-Mode Linux uses one processor. It is about six times as slow as an ordinary kernel.
SLOW = Timing(
    advert_interval=1.0,
    check_interval=2.0,
    check_timeout=1.0,
    request_interval=0.1,
    request_timeout=3.0,
    observation=4.0,
    wait_max=120.0,
    allowance=5.0,
)
SLOW_SECONDS_MAX = 600.0


def run_in_user_mode_linux(directors: int) -> int:
    """Run the whole demo in User-Mode Linux, which has IPVS. Raises UnavailableError."""
    command = [sys.executable, "-m", "hadirector", "demo", "--dataplane", "ipvs"]
    command += ["--directors", str(directors)]
    try:
        return uml.run(command, SLOW_SECONDS_MAX)
    except uml.UmlError as error:
        raise UnavailableError(str(error)) from error


@contextmanager
def namespaces() -> Iterator[Environment]:
    """Build the network and return the environment. Raises UnavailableError."""
    if os.geteuid() != 0:
        raise UnavailableError("the demo with IPVS needs network namespaces: run it as root")
    try:
        with Network() as network:
            yield _environment(network)
    except TopologyError as error:
        raise UnavailableError(str(error)) from error


def _environment(network: Network) -> Environment:
    sloppy = {"net.ipv4.vs.sloppy_tcp": "1"}
    hosts = [
        *(network.host(name, f"{at}/24", sysctls=sloppy) for name, at in DIRECTORS.items()),
        *add_webs(network, WEBS, VIRTUAL_ADDRESS),
        network.host("client", f"{CLIENT}/24"),
    ]
    timing = kernel_timing()
    sections = {
        name: pair_section(name, "eth0", VIRTUAL_ADDRESS, timing, "    transport: multicast")
        for name in DIRECTORS
    }
    return ipvs_environment(VIRTUAL_ADDRESS, WEBS, sections, entrances(hosts))


def add_webs(network: Network, webs: Mapping[str, str], virtual_address: str) -> list[Host]:
    """Add hosts for real servers with dr.

    They have the virtual address and must not answer ARP requests for it (arp_ignore and
    arp_announce in Documentation/networking/ip-sysctl.rst).
    """
    quiet = {"net.ipv4.conf.all.arp_ignore": "1", "net.ipv4.conf.all.arp_announce": "2"}
    hosts = [network.host(name, f"{at}/24", sysctls=quiet) for name, at in webs.items()]
    for host in hosts:
        host.ip(f"address add {virtual_address}/32 dev lo")
    return hosts


def entrances(hosts: Iterable[Host]) -> dict[str, list[str]]:
    """Return the command that runs a program on each host, by the name of the host."""
    return {host.name: ["ip", "netns", "exec", host.namespace] for host in hosts}


def kernel_timing() -> Timing:
    """Return the times for this kernel."""
    cpus = Path("/proc/cpuinfo").read_text(encoding="ascii")
    return SLOW if "User Mode Linux" in cpus else ORDINARY


def ipvs_environment(
    virtual_address: str,
    webs: Mapping[str, str],
    sections: Mapping[str, str],
    prefixes: Mapping[str, list[str]],
) -> Environment:
    """Return an environment with kernel IPVS. ``prefixes`` includes the host ``client``."""
    return Environment(
        dataplane="ipvs",
        virtual_address=virtual_address,
        port=80,
        web_addresses=webs,
        web_port=80,
        web_listens_on="0.0.0.0",  # noqa: S104  # a namespace of its own; it has both addresses
        sections=sections,
        virtual_server_lines="    scheduler: mh\n    scheduler_flags: [port]\n    forwarding: dr",
        timing=kernel_timing(),
        prefixes={**prefixes, "session": prefixes["client"]},
    )
