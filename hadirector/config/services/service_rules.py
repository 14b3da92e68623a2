"""Judges what a virtual server asks of the kernel: keys that only make sense together, or not."""

from __future__ import annotations

from collections.abc import Iterator

from hadirector.config.document.finding import Finding, Path, wrong
from hadirector.config.keys.section import valid_items
from hadirector.config.schema import (
    SERVICES_MAX,
    RealServerSection,
    VirtualServerSection,
)
from hadirector.config.services.schema import TunnelSection
from hadirector.model.ipvs import (
    ForwardingMethod,
    Protocol,
    TunnelChecksum,
    TunnelType,
    address_bits,
)


def place_findings(path: Path, server: VirtualServerSection) -> Iterator[Finding]:
    """Find what keeps a virtual server from having services: judge no further then."""
    listed = server.addresses if "addresses" in server.model_fields_set else None
    places = {"address": server.address, "addresses": listed, "fwmark": server.fwmark}
    given = [key for key, value in places.items() if value is not None]
    if not given:
        yield Finding(path, 'the key "address" is missing (or "addresses", or "fwmark")')
    for key in given[1:]:
        yield Finding((*path, key), f"a virtual server has {given[0]} or {key}, not both")
    if given == ["addresses"]:
        yield from _group_findings((*path, "addresses"), server)


def _group_findings(path: Path, server: VirtualServerSection) -> Iterator[Finding]:
    number = len(server.keys)
    if not number:
        yield Finding(path, wrong("an empty list", "addresses with their ports"))
    elif number > SERVICES_MAX:
        message = f"each address and port is a service (expected at most {SERVICES_MAX} of them)"
        yield Finding(path, message)
    elif server.name is None:
        yield Finding(path, 'several addresses need a name to be called by (the key "name")')
    for index, each in enumerate(server.addresses):
        if (":" in each.address) != (":" in server.addresses[0].address):
            message = wrong(each.address, "an address of the same family as the first one")
            yield Finding((*path, index), message)


def service_findings(path: Path, server: VirtualServerSection) -> Iterator[Finding]:
    """Find contradictions in what is asked of the kernel."""
    given = server.model_fields_set
    if server.fwmark is None and "family" in given:
        yield Finding((*path, "family"), "an address says its family itself; this is for fwmark")
    if server.fwmark is not None and "protocol" in given:
        message = "a firewall mark stands for packets of any protocol: say it where they are marked"
        yield Finding((*path, "protocol"), message)
    if server.address is not None and not server.address.port and server.persistence is None:
        message = (
            "port 0, which is all ports, needs persistence: a client's connections to different"
            " ports belong to one real server"
        )
        yield Finding((*path, "address"), message)
    yield from _persistence_findings(path, server)
    if server.forwarding is ForwardingMethod.FULLNAT:
        yield from _fullnat_findings(path, server)
    if server.one_packet and server.fwmark is None and server.protocol is not Protocol.UDP:
        message = f"only udp has connections of one packet (got {server.protocol})"
        yield Finding((*path, "one_packet"), message)


def _fullnat_findings(path: Path, server: VirtualServerSection) -> Iterator[Finding]:
    if server.fwmark is not None:
        message = "its connections are known by the address they were made to, and a mark has none"
        yield Finding((*path, "forwarding"), f"fullnat: {message}")
    if server.one_packet:
        message = "the source is replaced for a whole connection, and one_packet makes none"
        yield Finding((*path, "one_packet"), f"fullnat: {message}")


def _persistence_findings(path: Path, server: VirtualServerSection) -> Iterator[Finding]:
    length, engine = server.persistence_prefix_length, server.persistence_engine
    if server.persistence is None:
        for key in ("persistence_prefix_length", "persistence_engine"):
            if getattr(server, key) is not None:
                yield Finding((*path, key), 'there is none without a time (the key "persistence")')
    elif server.one_packet and engine is None:
        message = (
            "each packet is a connection of its own under one_packet; only the engine sip"
            " tells which belong together"
        )
        yield Finding((*path, "persistence"), message)
    bits = address_bits(server.keys[0].address)
    if length is not None and length > bits:
        message = wrong(str(length), f"1 to {bits}, like the addresses of its clients")
        yield Finding((*path, "persistence_prefix_length"), message)
    if engine is not None and server.fwmark is None and server.protocol is not Protocol.UDP:
        message = f"the engine {engine} reads udp only (got {server.protocol})"
        yield Finding((*path, "persistence_engine"), message)


def destination_findings(path: Path, server: VirtualServerSection) -> Iterator[Finding]:
    """Find contradictions in how packets reach the real servers."""
    yield from _tunnel_findings((*path, "tunnel"), server, server.tunnel)
    for index, each in valid_items(server.real_servers):
        place = (*path, "real_servers", index)
        yield from _tunnel_findings((*place, "tunnel"), server, each.tunnel)
        yield from _threshold_findings(place, each)
        if message := _port_message(server, each.address.port):
            yield Finding((*place, "address"), message)
    sorry = server.sorry_server
    if sorry is not None and (message := _port_message(server, sorry.address.port)):
        yield Finding((*path, "sorry_server", "address"), message)


def _port_message(server: VirtualServerSection, port: int | None) -> str | None:
    """Say why a real server cannot have this port of its own."""
    if port is None or port == server.port:
        return None
    if server.forwarding in (ForwardingMethod.DR, ForwardingMethod.TUN):
        expected = f", expected {server.port}" if server.port else ", expected none"
        return (
            f"with forwarding {server.forwarding} the packet reaches the real server unchanged, so"
            f" the port cannot differ from the virtual server's (got {port}{expected})"
        )
    if server.persistence is not None and not server.port and not server.addresses:
        return (
            "with persistence over all ports a connection keeps its port"
            f" (got {port}, expected none)"
        )
    return None


def _threshold_findings(path: Path, server: RealServerSection) -> Iterator[Finding]:
    upper, lower = server.upper_threshold, server.lower_threshold
    if lower is None or (upper is not None and lower < upper):
        return
    limit = "an upper_threshold to stand below" if upper is None else f"less than {upper}"
    yield Finding((*path, "lower_threshold"), wrong(str(lower), limit))


def _tunnel_findings(
    path: Path, server: VirtualServerSection, tunnel: TunnelSection | None
) -> Iterator[Finding]:
    if tunnel is None:
        return
    if server.forwarding is not ForwardingMethod.TUN:
        message = f"only forwarding tun has a tunnel (got {server.forwarding})"
        yield Finding(path, message)
        return
    if tunnel.type is TunnelType.GUE and tunnel.port is None:
        message = 'gue travels over UDP: where does the real server listen (the key "port")?'
        yield Finding(path, message)
    elif tunnel.type is not TunnelType.GUE and tunnel.port is not None:
        yield Finding((*path, "port"), f"only gue has a port (got {tunnel.type})")
    allowed = _CHECKSUMS[tunnel.type]
    if tunnel.checksum not in allowed:
        message = wrong(tunnel.checksum, f"{' or '.join(allowed)}, which is what {tunnel.type} has")
        yield Finding((*path, "checksum"), message)


_CHECKSUMS = {
    TunnelType.IPIP: (TunnelChecksum.NONE,),
    TunnelType.GRE: (TunnelChecksum.NONE, TunnelChecksum.FULL),
    TunnelType.GUE: tuple(TunnelChecksum),
}
