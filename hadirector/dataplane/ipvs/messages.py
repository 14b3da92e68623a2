"""The IPVS messages of generic netlink, to and from the model. Knows no socket.

What a command must carry is decided in net/netfilter/ipvs/ip_vs_ctl.c.
"""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace
from pyroute2.netlink import NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, genlmsg

from hadirector.dataplane.base import Counters
from hadirector.dataplane.ipvs import destination_attributes as destinations
from hadirector.dataplane.ipvs import service_attributes as services
from hadirector.dataplane.ipvs.attributes import attributes
from hadirector.dataplane.ipvs.uapi import FAMILY_VERSION, Command
from hadirector.model import Destination, DestinationKey, Service, ServiceKey
from hadirector.reconcile import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    EditDestination,
    EditService,
    Operation,
)


class IpvsMessage(genlmsg):  # type: ignore[misc]  # pyroute2 has no types
    """Any message of the family; what is inside its attributes is read and written here."""

    nla_map = (
        ("IPVS_CMD_ATTR_UNSPEC", "none"),
        ("IPVS_CMD_ATTR_SERVICE", "cdata"),
        ("IPVS_CMD_ATTR_DEST", "cdata"),
        ("IPVS_CMD_ATTR_DAEMON", "cdata"),
        ("IPVS_CMD_ATTR_TIMEOUT_TCP", "uint32"),
        ("IPVS_CMD_ATTR_TIMEOUT_TCP_FIN", "uint32"),
        ("IPVS_CMD_ATTR_TIMEOUT_UDP", "uint32"),
    )


# --- requests ----------------------------------------------------------------------------------


def list_services() -> IpvsMessage:
    """Ask for every service."""
    return _message(Command.GET_SERVICE, NLM_F_REQUEST | NLM_F_DUMP)


def get_service(key: ServiceKey) -> IpvsMessage:
    """Ask for one service. Without an acknowledgement: there is one answer, not two."""
    return _message(Command.GET_SERVICE, NLM_F_REQUEST, service=services.write_key(key))


def list_destinations(key: ServiceKey) -> IpvsMessage:
    """Ask for every destination of a service; none come if there is no such service."""
    flags = NLM_F_REQUEST | NLM_F_DUMP
    return _message(Command.GET_DESTINATION, flags, service=services.write_key(key))


def get_information() -> IpvsMessage:
    """Ask for the version of IPVS, which takes the same capability as changing it."""
    return _message(Command.GET_INFO, NLM_F_REQUEST)


def requests(operation: Operation) -> list[IpvsMessage]:
    """Write an operation as the kernel takes it: an addition with a share takes two messages.

    The kernel keeps the last weight above 0 for the table of sh and mh (ip_vs_ctl.c,
    __ip_vs_update_dest). Both go in one batch: between them some new connection may be unlucky.
    """
    match operation:
        case AddDestination(service, key, destination, share) if share:
            first = replace(destination, weight=share)
            added = AddDestination(service, key, first)
            return [request(added), request(EditDestination(service, key, destination))]
        case _:
            return [request(operation)]


def request(operation: Operation) -> IpvsMessage:
    """Write an operation as the kernel takes it."""
    match operation:
        case AddService(key, service):
            return _change(Command.NEW_SERVICE, _service(key, service))
        case EditService(key, service):
            return _change(Command.SET_SERVICE, _service(key, service))
        case DeleteService(key):
            return _change(Command.DELETE_SERVICE, services.write_key(key))
        case AddDestination(of, key, destination):
            content = _destination(key, destination)
            return _change(Command.NEW_DESTINATION, services.write_key(of), content)
        case EditDestination(of, key, destination):
            content = _destination(key, destination)
            return _change(Command.SET_DESTINATION, services.write_key(of), content)
        case DeleteDestination(of, key):
            return _change(
                Command.DELETE_DESTINATION, services.write_key(of), destinations.write_key(key)
            )
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


def _service(key: ServiceKey, service: Service) -> bytes:
    settings = services.write_settings(key, service)
    return services.write_key(key) + settings


def _destination(key: DestinationKey, destination: Destination) -> bytes:
    settings = destinations.write_settings(destination)
    return destinations.write_key(key) + settings


# --- answers -----------------------------------------------------------------------------------


def read_service(message: IpvsMessage) -> tuple[ServiceKey, Service] | None:
    """Read a service; None for one whose protocol we never use."""
    held = attributes(message.get_attr("IPVS_CMD_ATTR_SERVICE"))
    key = services.read_key(held)
    return None if key is None else (key, services.read_settings(held))


def read_destination(
    message: IpvsMessage, service: ServiceKey
) -> tuple[DestinationKey, Destination]:
    """Read a destination of the service that was asked for."""
    held = attributes(message.get_attr("IPVS_CMD_ATTR_DEST"))
    return destinations.read_key(held, service), destinations.read_settings(held)


def read_counters(message: IpvsMessage, service: ServiceKey) -> tuple[DestinationKey, Counters]:
    """Read what a destination of the service that was asked for carries."""
    held = attributes(message.get_attr("IPVS_CMD_ATTR_DEST"))
    return destinations.read_key(held, service), destinations.read_counters(held)
