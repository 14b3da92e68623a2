"""The IPVS messages of generic netlink, to and from the model. Knows no socket.

What a command must carry is decided in net/netfilter/ipvs/ip_vs_ctl.c.
"""

from __future__ import annotations

from ipaddress import ip_address
from socket import AF_INET, AF_INET6, IPPROTO_TCP, IPPROTO_UDP
from struct import Struct
from typing import assert_never

from pyroute2.netlink import NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, genlmsg

from hadirector.dataplane.base import Counters
from hadirector.dataplane.ipvs.attributes import (
    attribute,
    attributes,
    port,
    read_number,
    read_port,
    read_text,
    text,
    uint16,
    uint32,
)
from hadirector.dataplane.ipvs.uapi import (
    FAMILY_VERSION,
    FORWARDING_MASK,
    Command,
    DestinationAttribute,
    ServiceAttribute,
    ServiceFlag,
)
from hadirector.model import (
    HASH_SCHEDULERS,
    Destination,
    DestinationKey,
    ForwardingMethod,
    Protocol,
    SchedulerFlag,
    Service,
    ServiceKey,
)
from hadirector.reconcile import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    EditDestination,
    EditService,
    Operation,
)

_PROTOCOLS = {Protocol.TCP: IPPROTO_TCP, Protocol.UDP: IPPROTO_UDP}
_PROTOCOLS_BY_NUMBER = {int(number): protocol for protocol, number in _PROTOCOLS.items()}

_SCHEDULER_FLAGS = {
    SchedulerFlag.FALLBACK: ServiceFlag.SCHEDULER_1,
    SchedulerFlag.PORT: ServiceFlag.SCHEDULER_2,
}

_FORWARDING = {ForwardingMethod.NAT: 0, ForwardingMethod.DR: 3}
_FORWARDING_BY_NUMBER = {number: method for method, number in _FORWARDING.items()}
_FLAGS = Struct("=II")
"""struct ip_vs_flags: the flags, and which of them are meant."""
_ALL_FLAGS = 0xFFFFFFFF
_SINGLE_CLIENT: dict[int, int] = {AF_INET: 0xFFFFFFFF, AF_INET6: 128}
"""Persistence per client address: for IPv4 a netmask, for IPv6 a prefix length."""


class IpvsMessage(genlmsg):  # type: ignore[misc]  # pyroute2 has no types
    """Any message of the family; what is inside its attributes is read and written here."""

    nla_map = (
        ("IPVS_CMD_ATTR_UNSPEC", "none"),
        ("IPVS_CMD_ATTR_SERVICE", "cdata"),
        ("IPVS_CMD_ATTR_DEST", "cdata"),
    )


# --- requests ----------------------------------------------------------------------------------


def list_services() -> IpvsMessage:
    """Ask for every service."""
    return _message(Command.GET_SERVICE, NLM_F_REQUEST | NLM_F_DUMP)


def get_service(key: ServiceKey) -> IpvsMessage:
    """Ask for one service. Without an acknowledgement: there is one answer, not two."""
    return _message(Command.GET_SERVICE, NLM_F_REQUEST, service=_service_key(key))


def list_destinations(key: ServiceKey) -> IpvsMessage:
    """Ask for every destination of a service; none come if there is no such service."""
    flags = NLM_F_REQUEST | NLM_F_DUMP
    return _message(Command.GET_DESTINATION, flags, service=_service_key(key))


def get_information() -> IpvsMessage:
    """Ask for the version of IPVS, which takes the same capability as changing it."""
    return _message(Command.GET_INFO, NLM_F_REQUEST)


def request(operation: Operation) -> IpvsMessage:
    """Write an operation as the kernel takes it."""
    match operation:
        case AddService(key, service):
            return _change(Command.NEW_SERVICE, _service(key, service))
        case EditService(key, service):
            return _change(Command.SET_SERVICE, _service(key, service))
        case DeleteService(key):
            return _change(Command.DELETE_SERVICE, _service_key(key))
        case AddDestination(of, key, destination):
            content = _destination(key, destination)
            return _change(Command.NEW_DESTINATION, _service_key(of), content)
        case EditDestination(of, key, destination):
            content = _destination(key, destination)
            return _change(Command.SET_DESTINATION, _service_key(of), content)
        case DeleteDestination(of, key):
            return _change(Command.DELETE_DESTINATION, _service_key(of), _destination_key(key))
        case _:
            assert_never(operation)


def _change(command: Command, service: bytes, destination: bytes | None = None) -> IpvsMessage:
    return _message(command, NLM_F_REQUEST | NLM_F_ACK, service, destination)


def _message(
    command: Command,
    flags: int,
    service: bytes | None = None,
    destination: bytes | None = None,
) -> IpvsMessage:
    message = IpvsMessage()
    message["cmd"] = command
    message["version"] = FAMILY_VERSION
    message["header"]["flags"] = flags
    if service is not None:
        message["attrs"].append(("IPVS_CMD_ATTR_SERVICE", service))
    if destination is not None:
        message["attrs"].append(("IPVS_CMD_ATTR_DEST", destination))
    return message


def _service_key(key: ServiceKey) -> bytes:
    return (
        uint16(ServiceAttribute.FAMILY, _family(key.address))
        + uint16(ServiceAttribute.PROTOCOL, _PROTOCOLS[key.protocol])
        + attribute(ServiceAttribute.ADDRESS, ip_address(key.address).packed)
        + port(ServiceAttribute.PORT, key.port)
    )


def _service(key: ServiceKey, service: Service) -> bytes:
    flags = ServiceFlag(0)
    for flag in service.flags:
        flags |= _SCHEDULER_FLAGS[flag]
    if service.persistence:
        flags |= ServiceFlag.PERSISTENT
    return (
        _service_key(key)
        + text(ServiceAttribute.SCHEDULER, service.scheduler)
        + attribute(ServiceAttribute.FLAGS, _FLAGS.pack(flags, _ALL_FLAGS))
        + uint32(ServiceAttribute.TIMEOUT, service.persistence)
        + uint32(ServiceAttribute.NETMASK, _SINGLE_CLIENT[_family(key.address)])
    )


def _destination_key(key: DestinationKey) -> bytes:
    return (
        uint16(DestinationAttribute.FAMILY, _family(key.address))
        + attribute(DestinationAttribute.ADDRESS, ip_address(key.address).packed)
        + port(DestinationAttribute.PORT, key.port)
    )


def _destination(key: DestinationKey, destination: Destination) -> bytes:
    assert destination.forwarding is not None, "only foreign destinations lack a method we know"
    return (
        _destination_key(key)
        + uint32(DestinationAttribute.FORWARDING, _FORWARDING[destination.forwarding])
        + uint32(DestinationAttribute.WEIGHT, destination.weight)
        + uint32(DestinationAttribute.UPPER_THRESHOLD, 0)
        + uint32(DestinationAttribute.LOWER_THRESHOLD, 0)
    )


def _family(address: str) -> int:
    return AF_INET6 if ":" in address else AF_INET


# --- answers -----------------------------------------------------------------------------------


def read_service(message: IpvsMessage) -> tuple[ServiceKey, Service] | None:
    """Read a service; None for one whose kind we never make (firewall mark, SCTP)."""
    held = attributes(message.get_attr("IPVS_CMD_ATTR_SERVICE"))
    number = read_number(held.get(ServiceAttribute.PROTOCOL, b""))
    protocol = _PROTOCOLS_BY_NUMBER.get(number)
    if protocol is None:
        return None
    family = read_number(held[ServiceAttribute.FAMILY])
    address = _read_address(family, held[ServiceAttribute.ADDRESS])
    key = ServiceKey(protocol, address, read_port(held[ServiceAttribute.PORT]))
    return key, _read_settings(held, family)


def _read_settings(held: dict[int, bytes], family: int) -> Service:
    scheduler = read_text(held[ServiceAttribute.SCHEDULER])
    known = _SCHEDULER_FLAGS if scheduler in HASH_SCHEDULERS else {}
    set_flags = ServiceFlag(_FLAGS.unpack(held[ServiceAttribute.FLAGS])[0])
    flags = frozenset(name for name, flag in known.items() if flag in set_flags)
    timeout = read_number(held[ServiceAttribute.TIMEOUT])
    persistence = timeout if ServiceFlag.PERSISTENT in set_flags else 0
    expected = ServiceFlag.HASHED
    for name in flags:
        expected |= known[name]
    if persistence:
        expected |= ServiceFlag.PERSISTENT
    other_settings = (
        set_flags | ServiceFlag.HASHED != expected
        or read_number(held[ServiceAttribute.NETMASK]) != _SINGLE_CLIENT[family]
        or ServiceAttribute.PERSISTENCE_ENGINE in held
    )
    return Service(scheduler, flags, persistence, other_settings)


def read_destination(
    message: IpvsMessage, service: ServiceKey
) -> tuple[DestinationKey, Destination, Counters]:
    """Read a destination of the service that was asked for, and its connections of this moment."""
    held = attributes(message.get_attr("IPVS_CMD_ATTR_DEST"))
    # Kernels before 3.18 do not tell the family: there it is the service's.
    told = held.get(DestinationAttribute.FAMILY)
    family = read_number(told) if told else _family(service.address)
    key = DestinationKey(
        _read_address(family, held[DestinationAttribute.ADDRESS]),
        read_port(held[DestinationAttribute.PORT]),
    )
    weight = read_number(held[DestinationAttribute.WEIGHT])
    method = read_number(held[DestinationAttribute.FORWARDING]) & FORWARDING_MASK
    upper = read_number(held[DestinationAttribute.UPPER_THRESHOLD])
    lower = read_number(held[DestinationAttribute.LOWER_THRESHOLD])
    destination = Destination(weight, _FORWARDING_BY_NUMBER.get(method), bool(upper or lower))
    counters = Counters(
        weight,
        active=read_number(held[DestinationAttribute.ACTIVE_CONNECTIONS]),
        inactive=read_number(held[DestinationAttribute.INACTIVE_CONNECTIONS]),
    )
    return key, destination, counters


def _read_address(family: int, value: bytes) -> str:
    """Both families come in a field of 16 bytes (union nf_inet_addr)."""
    return str(ip_address(value[: 4 if family == AF_INET else 16]))
