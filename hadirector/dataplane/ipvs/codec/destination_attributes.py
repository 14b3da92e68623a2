"""Encodes and decodes the attributes of a destination (IPVS_DEST_ATTR_*). Pure.

The kernel parses them in ip_vs_genl_parse_dest() in net/netfilter/ipvs/ip_vs_ctl.c.
"""

from __future__ import annotations

from ipaddress import ip_address

from hadirector.dataplane.dataplane import Counters, Traffic
from hadirector.dataplane.ipvs.codec.attributes import (
    attribute,
    attributes,
    port,
    read_number,
    read_port,
    uint8,
    uint16,
    uint32,
)
from hadirector.dataplane.ipvs.codec.service_attributes import family_of, read_address
from hadirector.dataplane.ipvs.codec.uapi import (
    FORWARDING_MASK,
    DestinationAttribute,
    StatisticsAttribute,
)
from hadirector.model.ipvs import (
    Destination,
    DestinationKey,
    ForwardingMethod,
    ServiceKey,
    Tunnel,
    TunnelChecksum,
    TunnelType,
)

# IP_VS_CONN_F_MASQ, _TUNNEL and _DROUTE; IP_VS_CONN_F_TUNNEL_TYPE_*; IP_VS_TUNNEL_ENCAP_FLAG_*.
_FORWARDING = {ForwardingMethod.NAT: 0, ForwardingMethod.TUN: 2, ForwardingMethod.DR: 3}
_FORWARDING_BY_NUMBER = {number: method for method, number in _FORWARDING.items()}
_TUNNELS = {TunnelType.IPIP: 0, TunnelType.GUE: 1, TunnelType.GRE: 2}
_TUNNELS_BY_NUMBER = {number: kind for kind, number in _TUNNELS.items()}
_CHECKSUMS = {TunnelChecksum.NONE: 0, TunnelChecksum.FULL: 1, TunnelChecksum.REMOTE: 2}
_CHECKSUMS_BY_NUMBER = {number: checksum for checksum, number in _CHECKSUMS.items()}


def write_key(key: DestinationKey) -> bytes:
    """Encode the attributes that identify a destination within its service."""
    return (
        uint16(DestinationAttribute.FAMILY, family_of(key.address))
        + attribute(DestinationAttribute.ADDRESS, ip_address(key.address).packed)
        + port(DestinationAttribute.PORT, key.port)
    )


def write_settings(destination: Destination) -> bytes:
    """Encode the forwarding method, weight, thresholds and tunnel of a destination."""
    assert destination.forwarding is not None, "only foreign destinations have an unknown method"
    settings = (
        uint32(DestinationAttribute.FORWARDING, _FORWARDING[destination.forwarding])
        + uint32(DestinationAttribute.WEIGHT, destination.weight)
        + uint32(DestinationAttribute.UPPER_THRESHOLD, destination.upper_threshold)
        + uint32(DestinationAttribute.LOWER_THRESHOLD, destination.lower_threshold)
    )
    return settings if destination.tunnel is None else settings + _write_tunnel(destination.tunnel)


def read_key(found: dict[int, bytes], service: ServiceKey) -> DestinationKey:
    """Decode the attributes that identify a destination of a service."""
    # Kernels before 3.18 do not send the family. They support only the family of the service.
    sent = found.get(DestinationAttribute.FAMILY)
    family = read_number(sent) if sent else family_of(service.address)
    return DestinationKey(
        read_address(family, found[DestinationAttribute.ADDRESS]),
        read_port(found[DestinationAttribute.PORT]),
    )


def read_settings(found: dict[int, bytes]) -> Destination:
    """Decode the forwarding method, weight, thresholds and tunnel of a destination."""
    method = read_number(found[DestinationAttribute.FORWARDING]) & FORWARDING_MASK
    forwarding = _FORWARDING_BY_NUMBER.get(method)
    return Destination(
        read_number(found[DestinationAttribute.WEIGHT]),
        forwarding,
        read_number(found[DestinationAttribute.UPPER_THRESHOLD]),
        read_number(found[DestinationAttribute.LOWER_THRESHOLD]),
        _read_tunnel(found) if forwarding is ForwardingMethod.TUN else None,
    )


def read_counters(found: dict[int, bytes]) -> Counters:
    """Decode the counters of a destination. Kernels before 4.1 do not send 64-bit counters."""
    statistics = attributes(found.get(DestinationAttribute.STATISTICS, b""))
    numbers = [read_number(statistics.get(number, b"")) for number in StatisticsAttribute]
    half = len(numbers) // 2
    return Counters(
        weight=read_number(found[DestinationAttribute.WEIGHT]),
        active=read_number(found[DestinationAttribute.ACTIVE_CONNECTIONS]),
        inactive=read_number(found[DestinationAttribute.INACTIVE_CONNECTIONS]),
        total=Traffic(*numbers[:half]),
        per_second=Traffic(*numbers[half:]),
    )


def _write_tunnel(tunnel: Tunnel) -> bytes:
    return (
        uint8(DestinationAttribute.TUNNEL_TYPE, _TUNNELS[tunnel.type])
        + port(DestinationAttribute.TUNNEL_PORT, tunnel.port)
        + uint16(DestinationAttribute.TUNNEL_FLAGS, _CHECKSUMS[tunnel.checksum])
    )


def _read_tunnel(found: dict[int, bytes]) -> Tunnel | None:
    """Decode the tunnel. Kernels before 5.2 support only IP in IP and send no attributes for it."""
    kind = _TUNNELS_BY_NUMBER.get(read_number(found.get(DestinationAttribute.TUNNEL_TYPE, b"")))
    flags = read_number(found.get(DestinationAttribute.TUNNEL_FLAGS, b""))
    checksum = _CHECKSUMS_BY_NUMBER.get(flags)
    if kind is None or checksum is None:
        return None
    return Tunnel(kind, read_port(found.get(DestinationAttribute.TUNNEL_PORT, b"")), checksum)
