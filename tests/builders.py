"""Builders of model values for tests.

Each builder returns a usual value. A test gives only the fields that matter to it.
"""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any, Final

from checks.definition.check import CheckDefinition
from checks.definition.options import TcpProbe
from hadirector.model.configuration import Configuration, RealServer, VirtualServer
from hadirector.model.ipvs import DestinationKey, ForwardingMethod, Protocol, Service, ServiceKey
from vrrp.model.configuration import InstanceConfiguration
from vrrp.protocol.packet import Advertisement

WEB: Final = ServiceKey(Protocol.TCP, "192.0.2.10", 80)


def a_check(key: DestinationKey, **fields: Any) -> CheckDefinition:
    """Return a TCP check of an address and port, with the identity "tcp ADDRESS:PORT"."""
    usual: dict[str, Any] = {
        "identity": f"tcp {key}",
        "address": key.address,
        "port": key.port,
        "probe": TcpProbe(),
    }
    return CheckDefinition(**(usual | fields))


def a_virtual_server(*real_servers: RealServer, **fields: Any) -> VirtualServer:
    """Return the virtual server "web": 192.0.2.10:80, wrr, nat."""
    usual: dict[str, Any] = {
        "name": "web",
        "keys": (WEB,),
        "service": Service("wrr"),
        "forwarding": ForwardingMethod.NAT,
        "real_servers": real_servers,
    }
    return VirtualServer(**(usual | fields))


def a_configuration(*virtual_servers: VirtualServer, **fields: Any) -> Configuration:
    """Return the configuration of the director "lb1"."""
    usual: dict[str, Any] = {"name": "lb1", "virtual_servers": virtual_servers}
    return Configuration(**(usual | fields))


def an_instance(**fields: Any) -> InstanceConfiguration:
    """Return the VRRP instance "web": eth0, VRID 51, 10.99.0.100."""
    usual: dict[str, Any] = {
        "name": "web",
        "interface": "eth0",
        "virtual_router_id": 51,
        "virtual_addresses": ("10.99.0.100/32",),
    }
    return InstanceConfiguration(**(usual | fields))


def an_advertisement(**fields: Any) -> Advertisement:
    """Return an advertisement of that instance: version 3, priority 100, every second."""
    usual: dict[str, Any] = {
        "version": 3,
        "virtual_router_id": 51,
        "priority": 100,
        "advert_interval_centiseconds": 100,
        "family": 4,
        "checksum_form": "rfc5798",
    }
    addresses = fields.pop("addresses", (IPv4Address("10.99.0.100"),))
    usual["listed"] = b"".join(address.packed for address in addresses)
    return Advertisement(**(usual | fields))
