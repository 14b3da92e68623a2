"""Encodes and decodes the messages of IPVS. It uses no socket.

net/netfilter/ipvs/ip_vs_ctl.c shows the attributes that each command needs.
"""

from __future__ import annotations

from enum import IntEnum
from typing import assert_never

from msgspec.structs import replace

from hadirector.dataplane.dataplane import Counters
from hadirector.dataplane.ipvs.codec import destination_attributes as destinations
from hadirector.dataplane.ipvs.codec import service_attributes as services
from hadirector.dataplane.ipvs.codec.attributes import attribute, attributes
from hadirector.dataplane.ipvs.codec.frames import Request
from hadirector.dataplane.ipvs.codec.uapi import Command
from hadirector.dataplane.reconcile import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    EditDestination,
    EditService,
    Operation,
)
from hadirector.model.ipvs import Destination, DestinationKey, Service, ServiceKey


class _Attribute(IntEnum):
    """IPVS_CMD_ATTR_*."""

    SERVICE = 1
    DESTINATION = 2


# --- requests ----------------------------------------------------------------------------------


def list_services() -> Request:
    """Return the request that lists all services."""
    return Request(Command.GET_SERVICE)


def get_service(key: ServiceKey) -> Request:
    """Return the request that reads one service."""
    return _request(Command.GET_SERVICE, services.write_key(key))


def list_destinations(key: ServiceKey) -> Request:
    """Return the request that lists all destinations of a service; a missing service has none."""
    return _request(Command.GET_DESTINATION, services.write_key(key))


def get_information() -> Request:
    """Return the request that reads the version of IPVS.

    It needs the same capability as a change.
    """
    return Request(Command.GET_INFO)


def requests(operation: Operation) -> list[Request]:
    """Encode an operation as one message. The addition of a destination with a share takes two.

    For the hash table of sh and mh, the kernel uses the last weight above 0
    (__ip_vs_update_dest in ip_vs_ctl.c). The first message therefore adds the destination with
    its share as weight, and the second one sets its weight. Both are in one batch. A new
    connection that arrives between them may still get this destination.
    """
    match operation:
        case AddDestination(service, key, destination, share) if share:
            first = replace(destination, weight=share)
            added = AddDestination(service, key, first)
            return [request(added), request(EditDestination(service, key, destination))]
        case _:
            return [request(operation)]


def request(operation: Operation) -> Request:
    """Encode an operation."""
    match operation:
        case AddService(key, service):
            return _request(Command.NEW_SERVICE, _service(key, service))
        case EditService(key, service):
            return _request(Command.SET_SERVICE, _service(key, service))
        case DeleteService(key):
            return _request(Command.DELETE_SERVICE, services.write_key(key))
        case AddDestination(of, key, destination):
            content = _destination(key, destination)
            return _request(Command.NEW_DESTINATION, services.write_key(of), content)
        case EditDestination(of, key, destination):
            content = _destination(key, destination)
            return _request(Command.SET_DESTINATION, services.write_key(of), content)
        case DeleteDestination(of, key):
            return _request(
                Command.DELETE_DESTINATION, services.write_key(of), destinations.write_key(key)
            )
        case _:
            assert_never(operation)


def _request(command: Command, service: bytes, destination: bytes | None = None) -> Request:
    content = attribute(_Attribute.SERVICE, service)
    if destination is not None:
        content += attribute(_Attribute.DESTINATION, destination)
    return Request(command, content)


def _service(key: ServiceKey, service: Service) -> bytes:
    settings = services.write_settings(key, service)
    return services.write_key(key) + settings


def _destination(key: DestinationKey, destination: Destination) -> bytes:
    settings = destinations.write_settings(destination)
    return destinations.write_key(key) + settings


# --- answers -----------------------------------------------------------------------------------


def read_service(answer: bytes) -> tuple[ServiceKey, Service] | None:
    """Decode a service; None if the director does not support its protocol."""
    found = attributes(attributes(answer)[_Attribute.SERVICE])
    key = services.read_key(found)
    return None if key is None else (key, services.read_settings(found))


def read_destination(answer: bytes, service: ServiceKey) -> tuple[DestinationKey, Destination]:
    """Decode a destination of the requested service."""
    found = attributes(attributes(answer)[_Attribute.DESTINATION])
    return destinations.read_key(found, service), destinations.read_settings(found)


def read_counters(answer: bytes, service: ServiceKey) -> tuple[DestinationKey, Counters]:
    """Decode the counters of a destination of the requested service."""
    found = attributes(attributes(answer)[_Attribute.DESTINATION])
    return destinations.read_key(found, service), destinations.read_counters(found)
