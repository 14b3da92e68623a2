"""The IPVS messages of generic netlink, to and from the model. Knows no socket.

Numbers and layouts are those of include/uapi/linux/ip_vs.h; what a command must carry is decided in
net/netfilter/ipvs/ip_vs_ctl.c. Message values are untyped: this module is where they end.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from ipaddress import IPv6Address, ip_address
from socket import AF_INET, AF_INET6, IPPROTO_TCP, IPPROTO_UDP
from typing import Any, assert_never

from pyroute2.netlink import NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, genlmsg, nla

from hadirector.dataplane.base import Counters
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

FAMILY_NAME = "IPVS"
FAMILY_VERSION = 1


class Command(IntEnum):
    """The commands used here, IPVS_CMD_*."""

    NEW_SERVICE = 1
    SET_SERVICE = 2
    DELETE_SERVICE = 3
    GET_SERVICE = 4
    NEW_DESTINATION = 5
    SET_DESTINATION = 6
    DELETE_DESTINATION = 7
    GET_DESTINATION = 8
    GET_INFO = 15


class ServiceFlag(IntFlag):
    """IP_VS_SVC_F_*. The SCHED flags mean what the scheduler says."""

    PERSISTENT = 0x01
    HASHED = 0x02
    ONE_PACKET = 0x04
    SCHEDULER_1 = 0x08
    SCHEDULER_2 = 0x10
    SCHEDULER_3 = 0x20


_PROTOCOLS = {Protocol.TCP: IPPROTO_TCP, Protocol.UDP: IPPROTO_UDP}
_PROTOCOLS_BY_NUMBER = {int(number): protocol for protocol, number in _PROTOCOLS.items()}

_SCHEDULER_FLAGS = {
    SchedulerFlag.FALLBACK: ServiceFlag.SCHEDULER_1,
    SchedulerFlag.PORT: ServiceFlag.SCHEDULER_2,
}

_FORWARDING = {ForwardingMethod.NAT: 0, ForwardingMethod.DR: 3}
_FORWARDING_BY_NUMBER = {number: method for method, number in _FORWARDING.items()}
_FORWARDING_MASK = 0x7
"""IP_VS_CONN_F_FWD_MASK."""

_ALL_FLAGS = 0xFFFFFFFF
_SINGLE_CLIENT: dict[int, int] = {AF_INET: 0xFFFFFFFF, AF_INET6: 128}
"""Persistence per client address: for IPv4 a netmask, for IPv6 a prefix length."""


class IpvsMessage(genlmsg):  # type: ignore[misc]  # pyroute2 has no types
    """Any message of the family. Attributes that are not named here are skipped, not refused."""

    nla_map = (
        ("IPVS_CMD_ATTR_UNSPEC", "none"),
        ("IPVS_CMD_ATTR_SERVICE", "service"),
        ("IPVS_CMD_ATTR_DEST", "destination"),
    )

    class service(nla):  # type: ignore[misc]  # noqa: N801  # nla_map finds it by this name
        """IPVS_SVC_ATTR_*; its statistics are not read."""

        nla_map = (
            ("IPVS_SVC_ATTR_UNSPEC", "none"),
            ("IPVS_SVC_ATTR_AF", "uint16"),
            ("IPVS_SVC_ATTR_PROTOCOL", "uint16"),
            ("IPVS_SVC_ATTR_ADDR", "cdata"),
            ("IPVS_SVC_ATTR_PORT", "be16"),
            ("IPVS_SVC_ATTR_FWMARK", "uint32"),
            ("IPVS_SVC_ATTR_SCHED_NAME", "asciiz"),
            ("IPVS_SVC_ATTR_FLAGS", "flags"),
            ("IPVS_SVC_ATTR_TIMEOUT", "uint32"),
            ("IPVS_SVC_ATTR_NETMASK", "uint32"),
            ("IPVS_SVC_ATTR_STATS", "none"),
            ("IPVS_SVC_ATTR_PE_NAME", "asciiz"),
        )

        class flags(nla):  # type: ignore[misc]  # noqa: N801  # as above
            """struct ip_vs_flags: the flags, and which of them are meant."""

            fields = (("flags", "I"), ("mask", "I"))

    class destination(nla):  # type: ignore[misc]  # noqa: N801  # as above
        """IPVS_DEST_ATTR_*; its statistics and tunnel settings are not read."""

        nla_map = (
            ("IPVS_DEST_ATTR_UNSPEC", "none"),
            ("IPVS_DEST_ATTR_ADDR", "cdata"),
            ("IPVS_DEST_ATTR_PORT", "be16"),
            ("IPVS_DEST_ATTR_FWD_METHOD", "uint32"),
            ("IPVS_DEST_ATTR_WEIGHT", "uint32"),
            ("IPVS_DEST_ATTR_U_THRESH", "uint32"),
            ("IPVS_DEST_ATTR_L_THRESH", "uint32"),
            ("IPVS_DEST_ATTR_ACTIVE_CONNS", "uint32"),
            ("IPVS_DEST_ATTR_INACT_CONNS", "uint32"),
            ("IPVS_DEST_ATTR_PERSIST_CONNS", "uint32"),
            ("IPVS_DEST_ATTR_STATS", "none"),
            ("IPVS_DEST_ATTR_ADDR_FAMILY", "uint16"),
        )


Attributes = list[tuple[str, Any]]


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
            attributes = _destination(key, destination)
            return _change(Command.NEW_DESTINATION, _service_key(of), attributes)
        case EditDestination(of, key, destination):
            attributes = _destination(key, destination)
            return _change(Command.SET_DESTINATION, _service_key(of), attributes)
        case DeleteDestination(of, key):
            return _change(Command.DELETE_DESTINATION, _service_key(of), _destination_key(key))
        case _:
            assert_never(operation)


def _change(
    command: Command, service: Attributes, destination: Attributes | None = None
) -> IpvsMessage:
    return _message(command, NLM_F_REQUEST | NLM_F_ACK, service, destination)


def _message(
    command: Command,
    flags: int,
    service: Attributes | None = None,
    destination: Attributes | None = None,
) -> IpvsMessage:
    message = IpvsMessage()
    message["cmd"] = command
    message["version"] = FAMILY_VERSION
    message["header"]["flags"] = flags
    if service is not None:
        message["attrs"].append(("IPVS_CMD_ATTR_SERVICE", {"attrs": service}))
    if destination is not None:
        message["attrs"].append(("IPVS_CMD_ATTR_DEST", {"attrs": destination}))
    return message


def _service_key(key: ServiceKey) -> Attributes:
    return [
        ("IPVS_SVC_ATTR_AF", _family(key.address)),
        ("IPVS_SVC_ATTR_PROTOCOL", _PROTOCOLS[key.protocol]),
        ("IPVS_SVC_ATTR_ADDR", ip_address(key.address).packed),
        ("IPVS_SVC_ATTR_PORT", key.port),
    ]


def _service(key: ServiceKey, service: Service) -> Attributes:
    flags = ServiceFlag(0)
    for flag in service.flags:
        flags |= _SCHEDULER_FLAGS[flag]
    if service.persistence:
        flags |= ServiceFlag.PERSISTENT
    return [
        *_service_key(key),
        ("IPVS_SVC_ATTR_SCHED_NAME", service.scheduler),
        ("IPVS_SVC_ATTR_FLAGS", {"flags": int(flags), "mask": _ALL_FLAGS}),
        ("IPVS_SVC_ATTR_TIMEOUT", service.persistence),
        ("IPVS_SVC_ATTR_NETMASK", _SINGLE_CLIENT[_family(key.address)]),
    ]


def _destination_key(key: DestinationKey) -> Attributes:
    return [
        ("IPVS_DEST_ATTR_ADDR_FAMILY", _family(key.address)),
        ("IPVS_DEST_ATTR_ADDR", ip_address(key.address).packed),
        ("IPVS_DEST_ATTR_PORT", key.port),
    ]


def _destination(key: DestinationKey, destination: Destination) -> Attributes:
    assert destination.forwarding is not None, "only foreign destinations lack a method we know"
    return [
        *_destination_key(key),
        ("IPVS_DEST_ATTR_FWD_METHOD", _FORWARDING[destination.forwarding]),
        ("IPVS_DEST_ATTR_WEIGHT", destination.weight),
        ("IPVS_DEST_ATTR_U_THRESH", 0),
        ("IPVS_DEST_ATTR_L_THRESH", 0),
    ]


def _family(address: str) -> int:
    return AF_INET6 if isinstance(ip_address(address), IPv6Address) else AF_INET


# --- answers -----------------------------------------------------------------------------------


def read_service(message: IpvsMessage) -> tuple[ServiceKey, Service] | None:
    """Read a service; None for one whose kind we never make (firewall mark, SCTP)."""
    attributes = message.get_attr("IPVS_CMD_ATTR_SERVICE")
    protocol = _PROTOCOLS_BY_NUMBER.get(attributes.get_attr("IPVS_SVC_ATTR_PROTOCOL"))
    if protocol is None:
        return None
    family = attributes.get_attr("IPVS_SVC_ATTR_AF")
    address = _read_address(family, attributes.get_attr("IPVS_SVC_ATTR_ADDR"))
    key = ServiceKey(protocol, address, attributes.get_attr("IPVS_SVC_ATTR_PORT"))
    return key, _read_settings(attributes, family)


def _read_settings(attributes: Any, family: int) -> Service:
    scheduler = attributes.get_attr("IPVS_SVC_ATTR_SCHED_NAME")
    known = _SCHEDULER_FLAGS if scheduler in HASH_SCHEDULERS else {}
    set_flags = ServiceFlag(attributes.get_attr("IPVS_SVC_ATTR_FLAGS")["flags"])
    flags = frozenset(name for name, flag in known.items() if flag in set_flags)
    timeout = attributes.get_attr("IPVS_SVC_ATTR_TIMEOUT")
    persistence = timeout if ServiceFlag.PERSISTENT in set_flags else 0
    expected = ServiceFlag.HASHED
    for name in flags:
        expected |= known[name]
    if persistence:
        expected |= ServiceFlag.PERSISTENT
    other_settings = (
        set_flags | ServiceFlag.HASHED != expected
        or attributes.get_attr("IPVS_SVC_ATTR_NETMASK") != _SINGLE_CLIENT[family]
        or attributes.get_attr("IPVS_SVC_ATTR_PE_NAME") is not None
    )
    return Service(scheduler, flags, persistence, other_settings)


def read_destination(
    message: IpvsMessage, service: ServiceKey
) -> tuple[DestinationKey, Destination, Counters]:
    """Read a destination of the service that was asked for, and its connections of this moment."""
    attributes = message.get_attr("IPVS_CMD_ATTR_DEST")
    # Kernels before 3.18 do not tell the family: there it is the service's.
    family = attributes.get_attr("IPVS_DEST_ATTR_ADDR_FAMILY", _family(service.address))
    key = DestinationKey(
        _read_address(family, attributes.get_attr("IPVS_DEST_ATTR_ADDR")),
        attributes.get_attr("IPVS_DEST_ATTR_PORT"),
    )
    weight = attributes.get_attr("IPVS_DEST_ATTR_WEIGHT")
    method = attributes.get_attr("IPVS_DEST_ATTR_FWD_METHOD") & _FORWARDING_MASK
    upper = attributes.get_attr("IPVS_DEST_ATTR_U_THRESH")
    lower = attributes.get_attr("IPVS_DEST_ATTR_L_THRESH")
    destination = Destination(weight, _FORWARDING_BY_NUMBER.get(method), bool(upper or lower))
    counters = Counters(
        weight,
        active=attributes.get_attr("IPVS_DEST_ATTR_ACTIVE_CONNS"),
        inactive=attributes.get_attr("IPVS_DEST_ATTR_INACT_CONNS"),
    )
    return key, destination, counters


def _read_address(family: int, value: bytes) -> str:
    """Both families come in a field of 16 bytes (union nf_inet_addr)."""
    return str(ip_address(bytes(value[: 4 if family == AF_INET else 16])))
