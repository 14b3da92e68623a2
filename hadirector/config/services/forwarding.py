"""Rules for the forwarding of packets: persistence, fullnat, tunnels, ports and thresholds."""

from __future__ import annotations

from collections.abc import Iterator

from hadirector.config.document.finding import Finding, Path, wrong
from hadirector.config.pools.schema import RealServerSection
from hadirector.config.services.schema import VirtualServerSection
from hadirector.config.services.tunnel import tunnel_findings
from hadirector.model.ipvs import ForwardingMethod, Protocol, address_bits


def service_findings(path: Path, server: VirtualServerSection) -> Iterator[Finding]:
    """Yield contradictions between keys that become settings of an IPVS service."""
    given = server.model_fields_set
    if server.fwmark is None and "family" in given:
        message = "the family follows from the address; family is for fwmark only"
        yield Finding((*path, "family"), message)
    if server.fwmark is not None and "protocol" in given:
        message = (
            "a firewall mark matches packets of any protocol; choose the protocol in the firewall"
            " rule that sets the mark"
        )
        yield Finding((*path, "protocol"), message)
    if server.address is not None and not server.address.port and server.persistence is None:
        message = (
            "port 0 (all ports) needs persistence, so that the connections of a client to different"
            " ports reach the same real server"
        )
        yield Finding((*path, "address"), message)
    yield from _persistence_findings(path, server)
    if server.forwarding is ForwardingMethod.FULLNAT:
        yield from _fullnat_findings(path, path, server)
    for step, member in server.all_members:
        if member.forwarding is ForwardingMethod.FULLNAT:
            yield from _fullnat_findings(path, (*path, *step), server)
    if server.one_packet and server.fwmark is None and server.protocol is not Protocol.UDP:
        message = f"one_packet works with udp only (got {server.protocol})"
        yield Finding((*path, "one_packet"), message)


def _fullnat_findings(path: Path, user: Path, server: VirtualServerSection) -> Iterator[Finding]:
    """Yield keys of a virtual server that contradict fullnat, which the section at ``user`` has."""
    if server.fwmark is not None:
        message = (
            "fullnat finds its connections by the virtual address, and a firewall mark has no"
            " address"
        )
        yield Finding((*user, "forwarding"), message)
    if server.one_packet:
        message = "fullnat translates whole connections, and one_packet has no connections"
        yield Finding((*path, "one_packet"), message)


def _persistence_findings(path: Path, server: VirtualServerSection) -> Iterator[Finding]:
    length, engine = server.persistence_prefix_length, server.persistence_engine
    if server.persistence is None:
        for key in ("persistence_prefix_length", "persistence_engine"):
            if getattr(server, key) is not None:
                message = f'{key} needs a duration of persistence (the key "persistence")'
                yield Finding((*path, key), message)
    elif server.one_packet and engine is None:
        message = (
            "with one_packet each packet is a connection of its own; persistence needs"
            " persistence_engine: sip to find the packets that belong together"
        )
        yield Finding((*path, "persistence"), message)
    bits = address_bits(server.keys[0].address)
    if length is not None and length > bits:
        message = wrong(str(length), f"1 to {bits}, the length of the addresses of its clients")
        yield Finding((*path, "persistence_prefix_length"), message)
    if engine is not None and server.fwmark is None and server.protocol is not Protocol.UDP:
        message = f"the engine {engine} works with udp only (got {server.protocol})"
        yield Finding((*path, "persistence_engine"), message)


def destination_findings(path: Path, server: VirtualServerSection) -> Iterator[Finding]:
    """Yield contradictions between keys that become settings of an IPVS destination."""
    methods = {server.forwarding_of(member) for _, member in server.all_members}
    inherits = ForwardingMethod.TUN in methods
    default = ForwardingMethod.TUN if inherits else server.forwarding
    yield from tunnel_findings((*path, "tunnel"), default, server.tunnel)
    for step, member in server.all_members:
        place, forwarding = (*path, *step), server.forwarding_of(member)
        yield from tunnel_findings((*place, "tunnel"), forwarding, member.tunnel)
        if message := _port_message(server, forwarding, member.address.port):
            yield Finding((*place, "address"), message)
    for step, real_server in server.members:
        yield from _threshold_findings((*path, *step), real_server)


def _port_message(
    server: VirtualServerSection, forwarding: ForwardingMethod, port: int | None
) -> str | None:
    """Return why a real server behind this method cannot have this port; None if it can."""
    if port is None or port == server.port:
        return None
    if forwarding in (ForwardingMethod.DR, ForwardingMethod.TUN):
        expected = f", expected {server.port}" if server.port else ", expected no port"
        return (
            f"with forwarding {forwarding} the packet reaches the real server unchanged, so"
            f" the port is that of the virtual server (got {port}{expected})"
        )
    if server.persistence is not None and not server.port and not server.addresses:
        return (
            "with persistence over all ports a connection keeps its port"
            f" (got {port}, expected no port)"
        )
    return None


def _threshold_findings(path: Path, server: RealServerSection) -> Iterator[Finding]:
    upper, lower = server.upper_threshold, server.lower_threshold
    if lower is None or (upper is not None and lower < upper):
        return
    expected = "an upper_threshold above lower_threshold" if upper is None else f"less than {upper}"
    yield Finding((*path, "lower_threshold"), wrong(str(lower), expected))
