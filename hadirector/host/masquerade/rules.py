"""Decides which connections are masqueraded, and renders the netfilter rules for them.

Pure. IPVS translates only the destination address; netfilter translates the source address to an
address of the director. With the sysctl net.ipv4.vs.conntrack, netfilter tracks the connections of
IPVS and knows the virtual address. All rules are in a table or chain of our own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from hadirector.model.configuration import Configuration, VirtualServer
from hadirector.model.ipvs import DestinationKey, ForwardingMethod, ServiceKey

ToolName = Literal["nft", "iptables"]
"""The programs that can add the rules."""

NAME = "hadirector"
"""The name of our nftables table, and of our chain in the nat table of iptables."""

Masquerades = Mapping[ServiceKey, frozenset[DestinationKey]]
"""The services whose connections are masqueraded, with the destinations of packets that are not."""

_JUMP = f"POSTROUTING -j {NAME}"


def masquerades(configuration: Configuration) -> Masquerades:
    """Return the services with a real server behind fullnat. Only kernel IPVS needs the rules."""
    if configuration.dataplane != "ipvs":
        return {}
    return {
        key: _exceptions(server, key)
        for server in configuration.virtual_servers
        if ForwardingMethod.FULLNAT in server.forwarding_methods
        for key in server.keys
    }


def _exceptions(server: VirtualServer, service: ServiceKey) -> frozenset[DestinationKey]:
    """Return the destinations of packets to the servers of a service that are not behind fullnat.

    IPVS has translated the destination of packets for nat, and not of packets for dr. The packets
    of tun are in a tunnel and belong to another connection. The rules name exceptions, and not the
    servers behind fullnat: a server that a reload removes may serve for some seconds more.
    """
    found = set()
    for real_server in server.all_servers:
        match server.forwarding_of(real_server):
            case ForwardingMethod.NAT:
                found.add(real_server.destination_key(service))
            case ForwardingMethod.DR:
                found.add(DestinationKey(service.address, service.port))
    return frozenset(found)


def nft_script(services: Masquerades) -> str:
    """Render our whole table for nft(8). It replaces an existing table in one transaction."""
    lines = [*nft_removal().splitlines(), f"table inet {NAME} {{", " chain postrouting {"]
    # Before the chains of other programs: the first chain that translates the source decides.
    lines.append("  type nat hook postrouting priority srcnat - 5; policy accept;")
    for key in sorted(services):
        lines += [f"  {rule}" for rule in _nft_rules(key, services[key])]
    return "\n".join([*lines, " }", "}", ""])


def nft_removal() -> str:
    """Render the removal of our table for nft(8). It also succeeds if the table does not exist."""
    return f"table inet {NAME} {{}}\ndelete table inet {NAME}\n"


def _nft_rules(key: ServiceKey, excepted: frozenset[DestinationKey]) -> Iterator[str]:
    family = "ip6" if ":" in key.address else "ip"
    port = f" ct original proto-dst {key.port}" if key.port else ""
    connection = (
        f'oifname != "lo" meta l4proto {key.protocol}'
        f" ct original {family} daddr {key.address}{port}"
    )
    for destination in sorted(excepted):
        port = f" {key.protocol} dport {destination.port}" if destination.port else ""
        yield f"{connection} {family} daddr {destination.address}{port} return"
    yield f"{connection} masquerade"


def iptables_script(services: Masquerades, *, jumps: bool) -> str:
    """Render our whole chain for iptables-restore --noflush, which applies it in one transaction.

    The services are of one address family. ``jumps`` is True if POSTROUTING already jumps to
    the chain.
    """
    return "\n".join(["*nat", f":{NAME} - [0:0]", *_rules(services, jumps=jumps), "COMMIT", ""])


def _rules(services: Masquerades, *, jumps: bool) -> Iterator[str]:
    for key in sorted(services):
        port = f" --ctorigdstport {key.port}" if key.port else ""
        connection = f"-m conntrack --ctorigdst {key.address}{port}"
        for destination in sorted(services[key]):
            port = f" --dport {destination.port}" if destination.port else ""
            yield (
                f"-A {NAME} -d {destination.address} ! -o lo -p {key.protocol}{port} {connection}"
                " -j RETURN"
            )
        yield f"-A {NAME} ! -o lo -p {key.protocol} {connection} -j MASQUERADE"
    if not jumps:
        yield f"-I {_JUMP}"


def iptables_removal(*, jumps: bool) -> str:
    """Render the removal of our chain, and of the jump to it if there is one."""
    jump = [f"-D {_JUMP}"] if jumps else []
    return "\n".join(["*nat", f":{NAME} - [0:0]", *jump, f"-X {NAME}", "COMMIT", ""])
