"""Decides which connections get the director's own address as their source, as rules of ours.

Pure. IPVS translates the destination only; the source is netfilter's to translate. Under
net.ipv4.vs.conntrack it knows the connections of IPVS, and by what address the client asked. All
rules are in a table, or a chain, that has our name and nothing else in it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Literal

from hadirector.model.configuration import Configuration
from hadirector.model.ipvs import ForwardingMethod, ServiceKey

ToolName = Literal["nft", "iptables"]
"""What can hold the rules."""

NAME = "hadirector"
"""Of our nftables table, and of our chain in the nat table of iptables."""

_JUMP = f"POSTROUTING -j {NAME}"


def fullnat_services(configuration: Configuration) -> frozenset[ServiceKey]:
    """Return the services whose connections netfilter masquerades; other dataplanes have none."""
    if configuration.dataplane != "ipvs":
        return frozenset()
    return frozenset(
        key
        for server in configuration.virtual_servers
        if server.forwarding is ForwardingMethod.FULLNAT
        for key in server.keys
    )


def nft_script(services: Collection[ServiceKey]) -> str:
    """Write our table whole, in the place of the one that may be there, in one transaction."""
    lines = [*nft_removal().splitlines(), f"table inet {NAME} {{", " chain postrouting {"]
    # Before other people's chains: the first to translate a connection's source decides it.
    lines.append("  type nat hook postrouting priority srcnat - 5; policy accept;")
    lines += [f"  {_nft_rule(key)}" for key in sorted(services)]
    return "\n".join([*lines, " }", "}", ""])


def nft_removal() -> str:
    """Write the removal of our table, which need not be there."""
    return f"table inet {NAME} {{}}\ndelete table inet {NAME}\n"


def _nft_rule(key: ServiceKey) -> str:
    family = "ip6" if ":" in key.address else "ip"
    port = f" ct original proto-dst {key.port}" if key.port else ""
    return (
        f'oifname != "lo" meta l4proto {key.protocol} ct original {family} daddr {key.address}'
        f"{port} masquerade"
    )


def iptables_script(services: Collection[ServiceKey], *, jumps: bool) -> str:
    """Write our chain whole, for iptables-restore --noflush, which takes it in one transaction.

    The services are of one address family; ``jumps`` says that packets come to the chain already.
    """
    return "\n".join(["*nat", f":{NAME} - [0:0]", *_rules(services, jumps=jumps), "COMMIT", ""])


def _rules(services: Collection[ServiceKey], *, jumps: bool) -> Iterator[str]:
    for key in sorted(services):
        port = f" --ctorigdstport {key.port}" if key.port else ""
        yield (
            f"-A {NAME} ! -o lo -p {key.protocol} -m conntrack --ctorigdst {key.address}{port}"
            " -j MASQUERADE"
        )
    if not jumps:
        yield f"-I {_JUMP}"


def iptables_removal(*, jumps: bool) -> str:
    """Write the removal of our chain, which is there, and of the way to it if there is one."""
    led = [f"-D {_JUMP}"] if jumps else []
    return "\n".join(["*nat", f":{NAME} - [0:0]", *led, f"-X {NAME}", "COMMIT", ""])
