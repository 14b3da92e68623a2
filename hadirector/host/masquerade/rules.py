"""Decides which connections are masqueraded, and renders the netfilter rules for that.

Pure. IPVS translates only the destination address; netfilter translates the source address to an
address of the director. With net.ipv4.vs.conntrack, netfilter tracks the connections of IPVS and
knows the virtual address. All rules are in a table or chain that has our name and no other rules.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Literal

from hadirector.model.configuration import Configuration
from hadirector.model.ipvs import ForwardingMethod, ServiceKey

ToolName = Literal["nft", "iptables"]
"""The programs that can add the rules."""

NAME = "hadirector"
"""The name of our nftables table, and of our chain in the nat table of iptables."""

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
    """Render our whole table for nft(8). It replaces an existing table in one transaction."""
    lines = [*nft_removal().splitlines(), f"table inet {NAME} {{", " chain postrouting {"]
    # Before the chains of other programs: the first chain that translates the source decides.
    lines.append("  type nat hook postrouting priority srcnat - 5; policy accept;")
    lines += [f"  {_nft_rule(key)}" for key in sorted(services)]
    return "\n".join([*lines, " }", "}", ""])


def nft_removal() -> str:
    """Render the removal of our table for nft(8); it works if the table does not exist, too."""
    return f"table inet {NAME} {{}}\ndelete table inet {NAME}\n"


def _nft_rule(key: ServiceKey) -> str:
    family = "ip6" if ":" in key.address else "ip"
    port = f" ct original proto-dst {key.port}" if key.port else ""
    return (
        f'oifname != "lo" meta l4proto {key.protocol} ct original {family} daddr {key.address}'
        f"{port} masquerade"
    )


def iptables_script(services: Collection[ServiceKey], *, jumps: bool) -> str:
    """Render our whole chain for iptables-restore --noflush, which applies it in one transaction.

    The services are of one address family. ``jumps`` is set if POSTROUTING already jumps to the
    chain.
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
    """Render the removal of our chain, which exists, and of the jump to it if there is one."""
    jump = [f"-D {_JUMP}"] if jumps else []
    return "\n".join(["*nat", f":{NAME} - [0:0]", *jump, f"-X {NAME}", "COMMIT", ""])
