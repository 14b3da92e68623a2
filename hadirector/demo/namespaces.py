"""The demo in network namespaces: kernel IPVS, VRRP by multicast, one bridge. Needs root.

Direct routing with ``mh`` and its port flag: both directors choose the same real server for the
same connection, so it survives a change of director even half-way (net.ipv4.vs.sloppy_tcp).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hadirector.demo.stage import Stage, StageError, Timing
from hadirector.lab import uml
from hadirector.lab.topology import Network, TopologyError

VIRTUAL_ADDRESS = "192.168.122.22"
DIRECTORS = {"lb1": "192.168.122.30", "lb2": "192.168.122.31"}
WEBS = {"web1": "192.168.122.45", "web2": "192.168.122.46", "web3": "192.168.122.47"}
CLIENT = "192.168.122.70"

NATIVE = Timing(
    advert_interval=0.2,
    check_interval=0.3,
    check_timeout=0.2,
    request_interval=0.01,
    request_patience=1.0,
    settle=1.5,
)
# User-Mode Linux runs everything on one processor and needs 4 s for what takes 0.7 s elsewhere.
SLOW = Timing(
    advert_interval=1.0,
    check_interval=2.0,
    check_timeout=1.0,
    request_interval=0.1,
    request_patience=3.0,
    settle=4.0,
    patience=120.0,
    widening=5.0,
)
SLOW_SECONDS_MAX = 600.0


def play_in_user_mode_linux() -> int:
    """Play the whole demo inside a kernel that has IPVS. Raises StageError."""
    command = [sys.executable, "-m", "hadirector", "demo", "--dataplane", "ipvs"]
    try:
        return uml.run(command, SLOW_SECONDS_MAX)
    except uml.UmlError as error:
        raise StageError(str(error)) from error


@contextmanager
def namespaces() -> Iterator[Stage]:
    """Build the network and give the stage. Raises StageError."""
    if os.geteuid() != 0:
        raise StageError("the dataplane ipvs is played in network namespaces: run this as root")
    try:
        with Network() as network:
            yield _stage(network)
    except TopologyError as error:
        raise StageError(str(error)) from error


def _stage(network: Network) -> Stage:
    # A real server answers for the virtual address and must not announce it (arp_ignore and
    # arp_announce in Documentation/networking/ip-sysctl).
    quiet = {"net.ipv4.conf.all.arp_ignore": "1", "net.ipv4.conf.all.arp_announce": "2"}
    sloppy = {"net.ipv4.vs.sloppy_tcp": "1"}
    hosts = [
        *(network.host(name, f"{at}/24", sysctls=sloppy) for name, at in DIRECTORS.items()),
        *(network.host(name, f"{at}/24", sysctls=quiet) for name, at in WEBS.items()),
    ]
    for web in hosts[len(DIRECTORS) :]:
        web.ip(f"address add {VIRTUAL_ADDRESS}/32 dev lo")
    client = network.host("client", f"{CLIENT}/24")
    inside = {host.name: ["ip", "netns", "exec", host.namespace] for host in (*hosts, client)}
    return Stage(
        dataplane="ipvs",
        virtual_address=VIRTUAL_ADDRESS,
        port=80,
        web_addresses=WEBS,
        web_port=80,
        web_listens_on="0.0.0.0",  # noqa: S104  # in a namespace of its own, for both its addresses
        interface="eth0",
        vrrp_lines=dict.fromkeys(DIRECTORS, "    transport: multicast"),
        virtual_server_lines=("    scheduler: mh\n    scheduler_flags: [port]\n    forwarding: dr"),
        timing=SLOW if _in_user_mode_linux() else NATIVE,
        inside={**inside, "held": inside["client"]},
    )


def _in_user_mode_linux() -> bool:
    return "User Mode Linux" in Path("/proc/cpuinfo").read_text(encoding="ascii")
