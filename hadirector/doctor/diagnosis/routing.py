"""Decides findings from the routes to the real servers and the forwarding methods. Pure.

net/netfilter/ipvs/ip_vs_xmit.c shows how IPVS sends packets with each forwarding method.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from hadirector.doctor.diagnosis.facts import (
    ExaminedServer,
    Facts,
    KernelRoute,
    client_interface,
    virtual_addresses,
)
from hadirector.doctor.diagnosis.finding import Finding, Severity
from hadirector.model.configuration import Configuration
from hadirector.model.ipvs import ForwardingMethod, Tunnel, TunnelChecksum, TunnelType

_KEEPS_DESTINATION = frozenset({ForwardingMethod.DR, ForwardingMethod.TUN})
"""Packets arrive at the real server with the virtual address as their destination."""


def route_findings(
    configuration: Configuration, facts: Facts, servers: Iterable[ExaminedServer]
) -> Iterator[Finding]:
    """Report missing routes, routes that do not fit the forwarding method, and small MTUs."""
    for server in servers:
        if server.address not in facts.routes:
            continue
        route = facts.routes[server.address]
        if route is None:
            yield _no_route(server)
        elif not route.local:
            yield from _unsuitable_route(server, route)
            interface = client_interface(server.virtual_server, configuration, facts.addresses)
            yield from _small_mtu(server, route, facts.mtus, interface)


def _no_route(server: ExaminedServer) -> Finding:
    return Finding(
        code="no_route",
        severity=Severity.ERROR,
        place=server.place,
        what=f"{server.name}: this host has no route to {server.address}",
        remedy="give this host an address in the real server's subnet, or a route to it",
    )


def _unsuitable_route(server: ExaminedServer, route: KernelRoute) -> Iterator[Finding]:
    forwarding = server.forwarding
    virtual = virtual_addresses(server.virtual_server)
    if forwarding is ForwardingMethod.DR and route.gateway is not None:
        yield Finding(
            code="gateway_with_dr",
            severity=Severity.ERROR,
            place=server.place,
            what=f"{server.name}: {server.address} is reached through the gateway {route.gateway};"
            " with dr, packets keep the virtual address as their destination, so the gateway sends"
            " them back",
            remedy=f"put the real server on the segment of {route.interface}, or use"
            " forwarding: tun",
        )
    if forwarding in _KEEPS_DESTINATION and route.source in virtual:
        yield Finding(
            code="own_virtual_source",
            severity=Severity.ERROR,
            place=server.place,
            what=f"{server.name}: the virtual address {route.source} is this director's own address"
            f" towards {server.address}; the real server has the same address and ignores all"
            " packets from it, including ARP requests",
            remedy=f"give {route.interface} an address of its own, and use another virtual address;"
            " a virtual address with /32 that is added after the own address works too",
        )


# --- tunnels -----------------------------------------------------------------------------------


def tunnel_overhead(tunnel: Tunnel, *, ipv6: bool) -> int:
    """Return the bytes that a tunnel adds to a packet.

    ``ipv6`` is True if the outer IP header is IPv6. After the outer IP header comes GRE (RFC
    2784: 4 bytes, and 4 for a checksum) or UDP and GUE (8 + 4 bytes, and 8 for a remote
    checksum; net/netfilter/ipvs/ip_vs_xmit.c).
    """
    outer = 40 if ipv6 else 20
    match tunnel.type:
        case TunnelType.IPIP:
            return outer
        case TunnelType.GRE:
            return outer + 4 + 4 * (tunnel.checksum is not TunnelChecksum.NONE)
        case TunnelType.GUE:
            return outer + 12 + 8 * (tunnel.checksum is TunnelChecksum.REMOTE)


def _small_mtu(
    server: ExaminedServer, route: KernelRoute, mtus: Mapping[str, int], interface: str | None
) -> Iterator[Finding]:
    tunnel = server.real_server.tunnel
    if tunnel is None or interface is None or interface not in mtus:
        return
    overhead = tunnel_overhead(tunnel, ipv6=":" in server.address)
    room = route.mtu - overhead
    if room >= mtus[interface]:
        return
    virtual_header = 40 if ":" in server.virtual_server.keys[0].address else 20
    yield Finding(
        code="tunnel_too_small",
        severity=Severity.WARNING,
        place=server.place,
        what=f"{server.name}: client packets have up to {mtus[interface]} bytes ({interface}), but"
        f" only {room} fit into the {tunnel} tunnel ({route.mtu} of {route.interface} less"
        f" {overhead}); uploads hang where ICMP is filtered",
        remedy=f"use an MTU of {mtus[interface] + overhead} on the path to the real server, or"
        f" routes with `advmss {room - virtual_header - 20}` on the real server",
    )
