"""A service's attributes (IPVS_SVC_ATTR_*), to and from the model. Pure.

What they must be is decided in net/netfilter/ipvs/ip_vs_ctl.c, ip_vs_genl_parse_service().
"""

from __future__ import annotations

import sys
from ipaddress import ip_address
from socket import AF_INET, AF_INET6, IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP
from struct import Struct

from msgspec.structs import replace

from hadirector.dataplane.ipvs.codec.attributes import (
    attribute,
    port,
    read_number,
    read_port,
    read_text,
    text,
    uint16,
    uint32,
)
from hadirector.dataplane.ipvs.codec.uapi import ServiceAttribute, ServiceFlag
from hadirector.model.ipvs import HASH_SCHEDULERS, Protocol, SchedulerFlag, Service, ServiceKey

_PROTOCOLS = {
    Protocol.TCP: IPPROTO_TCP,
    Protocol.UDP: IPPROTO_UDP,
    Protocol.SCTP: IPPROTO_SCTP,
}
_PROTOCOLS_BY_NUMBER = {int(number): protocol for protocol, number in _PROTOCOLS.items()}

_SCHEDULER_FLAGS = {
    SchedulerFlag.FALLBACK: ServiceFlag.SCHEDULER_1,
    SchedulerFlag.PORT: ServiceFlag.SCHEDULER_2,
}

_FLAGS = Struct("=II")
"""struct ip_vs_flags: the flags, and which of them are meant."""
_ALL_FLAGS = 0xFFFFFFFF


def family_of(address: str) -> int:
    """Say which family an address is of."""
    return AF_INET6 if ":" in address else AF_INET


def read_address(family: int, value: bytes) -> str:
    """Both families come in a field of 16 bytes (union nf_inet_addr)."""
    return str(ip_address(value[: 4 if family == AF_INET else 16]))


def write_key(key: ServiceKey) -> bytes:
    """Write what identifies a service: its mark, or else protocol, address and port."""
    family = uint16(ServiceAttribute.FAMILY, family_of(key.address))
    if key.firewall_mark:
        return family + uint32(ServiceAttribute.FIREWALL_MARK, key.firewall_mark)
    return (
        family
        + uint16(ServiceAttribute.PROTOCOL, _PROTOCOLS[key.protocol])
        + attribute(ServiceAttribute.ADDRESS, ip_address(key.address).packed)
        + port(ServiceAttribute.PORT, key.port)
    )


def read_key(held: dict[int, bytes]) -> ServiceKey | None:
    """Read what identifies a service; None for a protocol that we never use."""
    family = read_number(held[ServiceAttribute.FAMILY])
    if mark := read_number(held.get(ServiceAttribute.FIREWALL_MARK, b"")):
        return ServiceKey.marked(mark, ipv6=family == AF_INET6)
    protocol = _PROTOCOLS_BY_NUMBER.get(read_number(held[ServiceAttribute.PROTOCOL]))
    if protocol is None:
        return None
    address = read_address(family, held[ServiceAttribute.ADDRESS])
    return ServiceKey(protocol, address, read_port(held[ServiceAttribute.PORT]))


def write_settings(key: ServiceKey, service: Service) -> bytes:
    """Write everything else about a service."""
    settings = (
        text(ServiceAttribute.SCHEDULER, service.scheduler)
        + attribute(ServiceAttribute.FLAGS, _FLAGS.pack(_flags(service), _ALL_FLAGS))
        + uint32(ServiceAttribute.TIMEOUT, service.persistence)
        + attribute(ServiceAttribute.NETMASK, _netmask(family_of(key.address), service))
    )
    if service.engine:  # left out there is none, and an edit takes a former one away
        settings += text(ServiceAttribute.PERSISTENCE_ENGINE, service.engine)
    return settings


def read_settings(held: dict[int, bytes]) -> Service:
    """Read everything else about a service."""
    scheduler = read_text(held[ServiceAttribute.SCHEDULER])
    known = _SCHEDULER_FLAGS if scheduler in HASH_SCHEDULERS else {}
    told = ServiceFlag(_FLAGS.unpack(held[ServiceAttribute.FLAGS])[0])
    timeout = read_number(held[ServiceAttribute.TIMEOUT])
    prefix_length, contiguous = _prefix_length(held)
    service = Service(
        scheduler,
        flags=frozenset(name for name, flag in known.items() if flag in told),
        persistence=timeout if ServiceFlag.PERSISTENT in told else 0,
        prefix_length=prefix_length,
        engine=read_text(held.get(ServiceAttribute.PERSISTENCE_ENGINE, b"")),
        one_packet=ServiceFlag.ONE_PACKET in told,
        other_settings=not contiguous,
    )
    if told | ServiceFlag.HASHED != _flags(service) | ServiceFlag.HASHED:
        return replace(service, other_settings=True)
    return service


def _flags(service: Service) -> ServiceFlag:
    flags = ServiceFlag(0)
    for flag in service.flags:
        flags |= _SCHEDULER_FLAGS[flag]
    if service.persistence:
        flags |= ServiceFlag.PERSISTENT
    if service.one_packet:
        flags |= ServiceFlag.ONE_PACKET
    return flags


def _netmask(family: int, service: Service) -> bytes:
    """Write the clients that count as one: a netmask for IPv4, a prefix length for IPv6."""
    if family == AF_INET6:
        return (service.prefix_length or 128).to_bytes(4, sys.byteorder)
    host_bits = 32 - (service.prefix_length or 32)
    return (0xFFFFFFFF >> host_bits << host_bits).to_bytes(4, "big")


def _prefix_length(held: dict[int, bytes]) -> tuple[int | None, bool]:
    """Read the same: None for single clients, and whether the netmask is one with a length."""
    value = held[ServiceAttribute.NETMASK]
    if read_number(held[ServiceAttribute.FAMILY]) == AF_INET6:
        length = read_number(value)
        return (None if length == 128 else length), True
    host_bits = 0xFFFFFFFF ^ int.from_bytes(value, "big")
    length = 32 - host_bits.bit_length()
    return (None if length == 32 else length), host_bits & (host_bits + 1) == 0
