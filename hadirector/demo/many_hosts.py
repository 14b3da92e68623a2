"""The environment of several directors in network namespaces, with IPVS and BIRD. Needs root.

The router divides the connections by their ports. All directors use the scheduler mh with its port
flag, and dr: they select the same real server for a connection.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from hadirector.announce.engine_files import Peering, bird_file
from hadirector.demo.environment import Environment, UnavailableError
from hadirector.demo.namespaces import add_webs, entrances, ipvs_environment
from hadirector.demo.routes import BirdRouter
from hadirector.lab import uml
from hadirector.lab.topology import Network, TopologyError
from hadirector.model.announcement import AnnouncedGroup, Announcement

VIRTUAL_ADDRESS = "203.0.113.1"
ROUTER, CLIENT = "10.99.0.254", "10.99.0.70"
WEBS = {"web1": "10.99.0.45", "web2": "10.99.0.46", "web3": "10.99.0.47"}
ROUTER_ASN, DIRECTOR_ASN = 65000, 65001
BFD_INTERVAL, BFD_MULTIPLIER = 300, 5
ANNOUNCEMENT = Announcement(
    groups=(AnnouncedGroup(name="web", addresses=(VIRTUAL_ADDRESS,), pools=("web",)),)
)
SECTION = f"""\
announce:
  groups: [{{name: web, addresses: [{VIRTUAL_ADDRESS}], rise: 1s}}]"""


def missing_for_bird() -> str:
    """Return what several directors with IPVS and BIRD need and this machine lacks, or nothing."""
    lacking = [] if os.geteuid() == 0 else ["root"]
    if shutil.which("bird", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None:
        lacking.append("BIRD (Debian package bird2)")
    if not uml.kernel_has_ipvs():
        lacking += uml.missing_programs()
    return ", ".join(lacking)


@contextmanager
def many_hosts(count: int) -> Iterator[tuple[Environment, BirdRouter]]:
    """Build the network; return the environment and the router. Raises UnavailableError."""
    directors = {f"lb{number}": f"10.99.0.{number}" for number in range(1, count + 1)}
    try:
        with Network() as network:
            yield _environment(network, directors), BirdRouter(_files(directors), directors)
    except TopologyError as error:
        raise UnavailableError(str(error)) from error


def _environment(network: Network, directors: Mapping[str, str]) -> Environment:
    divides = {
        "net.ipv4.ip_forward": "1",
        "net.ipv4.fib_multipath_hash_policy": "1",
        "net.ipv4.conf.all.send_redirects": "0",
        "net.ipv4.conf.eth0.send_redirects": "0",
    }
    hosts = entrances(
        [
            *add_webs(network, WEBS, VIRTUAL_ADDRESS),
            *(network.host(name, f"{at}/24") for name, at in directors.items()),
            network.host("router", f"{ROUTER}/24", sysctls=divides),
            network.host("client", f"{CLIENT}/24", routes=[f"default via {ROUTER}"]),
        ]
    )
    engines = {f"bird-{name}": hosts[name] for name in (*directors, "router")}
    sections = dict.fromkeys(directors, SECTION)
    return ipvs_environment(VIRTUAL_ADDRESS, WEBS, sections, {**hosts, **engines})


def _files(directors: Mapping[str, str]) -> dict[str, str]:
    """Return the file of BIRD for the router and for each director."""
    files = {"router": "\n".join(_router_lines(list(directors.values())))}
    for name, address in directors.items():
        peering = Peering(
            asn=DIRECTOR_ASN,
            neighbors=(ROUTER,),
            router_id=address,
            bfd_interval=BFD_INTERVAL,
            bfd_multiplier=BFD_MULTIPLIER,
        )
        files[name] = "\n".join(bird_file(ANNOUNCEMENT, peering))
    return files


def _router_lines(directors: list[str]) -> Iterator[str]:
    bfd = f"interval {BFD_INTERVAL} ms; multiplier {BFD_MULTIPLIER};"
    yield f"router id {ROUTER};"
    yield from ("protocol device { scan time 10; }", "protocol kernel { merge paths on;")
    yield "  ipv4 { import none; export where source = RTS_BGP; }; }"
    yield f'protocol bfd {{ interface "*" {{ {bfd} }}; }}'
    for number, director in enumerate(directors, start=1):
        yield f"protocol bgp lb{number} {{ local as {ROUTER_ASN}; bfd on;"
        yield f"  neighbor {director} as {DIRECTOR_ASN}; connect retry time 1;"
        yield "  connect delay time 1; error wait time 1, 2; graceful restart off;"
        yield "  ipv4 { import all; export none; }; }"
