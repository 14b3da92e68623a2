"""Finds what the routes to the real servers make of a forwarding method. Pure.

What IPVS does with a packet is in net/netfilter/ipvs/ip_vs_xmit.c.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from hadirector.doctor.diagnosis.facts import (
    Facts,
    Subject,
    Way,
    client_interface,
    virtual_addresses,
)
from hadirector.doctor.diagnosis.finding import Finding, Severity
from hadirector.model.configuration import Configuration
from hadirector.model.ipvs import ForwardingMethod, Tunnel, TunnelChecksum, TunnelType

_AS_IT_IS = frozenset({ForwardingMethod.DR, ForwardingMethod.TUN})
"""The packet keeps the virtual address, which the real server has too."""


def route_findings(
    configuration: Configuration, facts: Facts, subjects: Iterable[Subject]
) -> Iterator[Finding]:
    """Judge the way to each real server."""
    for each in subjects:
        if each.address not in facts.ways:
            continue
        way = facts.ways[each.address]
        if way is None:
            yield _no_route(each)
        elif not way.local:
            yield from _on_the_way(each, way)
            interface = client_interface(each.server, configuration, facts.addresses)
            yield from _too_narrow(each, way, facts.mtus, interface)


def _no_route(subject: Subject) -> Finding:
    return Finding(
        severity=Severity.ERROR,
        place=subject.place,
        what=f"{subject.name}: this host has no route to {subject.address}",
        remedy="give this host an address in the real server's subnet, or a route to it",
    )


def _on_the_way(subject: Subject, way: Way) -> Iterator[Finding]:
    forwarding = subject.server.forwarding
    virtual = virtual_addresses(subject.server)
    if forwarding is ForwardingMethod.DR and way.gateway is not None:
        yield Finding(
            severity=Severity.ERROR,
            place=subject.place,
            what=f"{subject.name}: {subject.address} is reached through the gateway {way.gateway},"
            " and with dr a packet keeps the virtual address, by which the gateway sends it back",
            remedy=f"put the real server on the segment of {way.interface}, or use forwarding: tun",
        )
    if forwarding in _AS_IT_IS and way.source in virtual:
        yield Finding(
            severity=Severity.ERROR,
            place=subject.place,
            what=f"{subject.name}: the virtual address {way.source} is this director's own address"
            f" towards {subject.address}, which has it too and ignores whatever comes from it,"
            " ARP requests first",
            remedy=f"give {way.interface} an address of its own, and take another one, or one with"
            " /32 that is added after it, as the virtual address",
        )


# --- tunnels -----------------------------------------------------------------------------------


def tunnel_overhead(tunnel: Tunnel, *, ipv6: bool) -> int:
    """Say how many bytes a tunnel puts before a packet.

    Outer IP header, then GRE (RFC 2784: 4, and 4 for its checksum) or UDP and GUE (8 + 4, and 8 for
    the private data of a remote checksum; net/netfilter/ipvs/ip_vs_xmit.c).
    """
    outer = 40 if ipv6 else 20
    match tunnel.type:
        case TunnelType.IPIP:
            return outer
        case TunnelType.GRE:
            return outer + 4 + 4 * (tunnel.checksum is not TunnelChecksum.NONE)
        case TunnelType.GUE:
            return outer + 12 + 8 * (tunnel.checksum is TunnelChecksum.REMOTE)


def _too_narrow(
    subject: Subject, way: Way, mtus: Mapping[str, int], interface: str | None
) -> Iterator[Finding]:
    tunnel = subject.real_server.tunnel
    if tunnel is None or interface is None or interface not in mtus:
        return
    overhead = tunnel_overhead(tunnel, ipv6=":" in subject.address)
    if (room := way.mtu - overhead) >= mtus[interface]:
        return
    virtual_header = 40 if ":" in subject.server.keys[0].address else 20
    yield Finding(
        severity=Severity.WARNING,
        place=subject.place,
        what=f"{subject.name}: clients' packets have up to {mtus[interface]} bytes ({interface}),"
        f" and {room} fit into the {tunnel} tunnel ({way.mtu} of {way.interface} less {overhead});"
        " where ICMP is filtered, uploads hang",
        remedy=f"an MTU of {mtus[interface] + overhead} on the way to the real server, or routes"
        f" with `advmss {room - virtual_header - 20}` on the real server",
    )
