"""Encodes and decodes the attributes of a service (IPVS_SVC_ATTR_*). Pure.

The kernel parses them in ip_vs_genl_parse_service() in net/netfilter/ipvs/ip_vs_ctl.c.
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
"""struct ip_vs_flags: the flags, and the mask of flags to set."""
_ALL_FLAGS = 0xFFFFFFFF


def family_of(address: str) -> int:
    """Return the address family of an address."""
    return AF_INET6 if ":" in address else AF_INET


def read_address(family: int, value: bytes) -> str:
    """Decode an address. Both families use a field of 16 bytes (union nf_inet_addr)."""
    return str(ip_address(value[: 4 if family == AF_INET else 16]))


def write_key(key: ServiceKey) -> bytes:
    """Encode the key of a service: its firewall mark, or its protocol, address and port."""
    family = uint16(ServiceAttribute.FAMILY, family_of(key.address))
    if key.firewall_mark:
        return family + uint32(ServiceAttribute.FIREWALL_MARK, key.firewall_mark)
    return (
        family
        + uint16(ServiceAttribute.PROTOCOL, _PROTOCOLS[key.protocol])
        + attribute(ServiceAttribute.ADDRESS, ip_address(key.address).packed)
        + port(ServiceAttribute.PORT, key.port)
    )


def read_key(found: dict[int, bytes]) -> ServiceKey | None:
    """Decode the key of a service; None for a protocol that the director does not support."""
    family = read_number(found[ServiceAttribute.FAMILY])
    if mark := read_number(found.get(ServiceAttribute.FIREWALL_MARK, b"")):
        return ServiceKey.for_mark(mark, ipv6=family == AF_INET6)
    protocol = _PROTOCOLS_BY_NUMBER.get(read_number(found[ServiceAttribute.PROTOCOL]))
    if protocol is None:
        return None
    address = read_address(family, found[ServiceAttribute.ADDRESS])
    return ServiceKey(protocol, address, read_port(found[ServiceAttribute.PORT]))


def write_settings(key: ServiceKey, service: Service) -> bytes:
    """Encode the settings of a service: scheduler, flags and persistence."""
    settings = (
        text(ServiceAttribute.SCHEDULER, service.scheduler)
        + attribute(ServiceAttribute.FLAGS, _FLAGS.pack(_flags(service), _ALL_FLAGS))
        + uint32(ServiceAttribute.TIMEOUT, service.persistence)
        + attribute(ServiceAttribute.NETMASK, _netmask(family_of(key.address), service))
    )
    if service.engine:  # an edit without the attribute removes the engine
        settings += text(ServiceAttribute.PERSISTENCE_ENGINE, service.engine)
    return settings


def read_settings(found: dict[int, bytes]) -> Service:
    """Decode the settings of a service: scheduler, flags and persistence."""
    scheduler = read_text(found[ServiceAttribute.SCHEDULER])
    known = _SCHEDULER_FLAGS if scheduler in HASH_SCHEDULERS else {}
    flags = ServiceFlag(_FLAGS.unpack(found[ServiceAttribute.FLAGS])[0])
    timeout = read_number(found[ServiceAttribute.TIMEOUT])
    prefix_length, contiguous = _prefix_length(found)
    service = Service(
        scheduler,
        flags=frozenset(name for name, flag in known.items() if flag in flags),
        persistence=timeout if ServiceFlag.PERSISTENT in flags else 0,
        prefix_length=prefix_length,
        engine=read_text(found.get(ServiceAttribute.PERSISTENCE_ENGINE, b"")),
        one_packet=ServiceFlag.ONE_PACKET in flags,
        other_settings=not contiguous,
    )
    if flags | ServiceFlag.HASHED != _flags(service) | ServiceFlag.HASHED:
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
    """Encode the granularity of persistence: a netmask for IPv4, a prefix length for IPv6."""
    if family == AF_INET6:
        return (service.prefix_length or 128).to_bytes(4, sys.byteorder)
    host_bits = 32 - (service.prefix_length or 32)
    return (0xFFFFFFFF >> host_bits << host_bits).to_bytes(4, "big")


def _prefix_length(found: dict[int, bytes]) -> tuple[int | None, bool]:
    """Decode the granularity: its prefix length (None for single clients).

    The second value is False for a netmask that has no prefix length.
    """
    value = found[ServiceAttribute.NETMASK]
    if read_number(found[ServiceAttribute.FAMILY]) == AF_INET6:
        length = read_number(value)
        return (None if length == 128 else length), True
    host_bits = 0xFFFFFFFF ^ int.from_bytes(value, "big")
    length = 32 - host_bits.bit_length()
    return (None if length == 32 else length), host_bits & (host_bits + 1) == 0
