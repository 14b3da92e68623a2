"""The multicast group of a virtual router (RFC 9568 5.1.1.2, 5.1.2.2)."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address
from typing import Final

from vrrp.model.configuration import InstanceConfiguration, Multicast, Transport
from vrrp.protocol.packet import MULTICAST_IPV4, MULTICAST_IPV6, Address

_GROUPS: Final[dict[int, Address]] = {4: MULTICAST_IPV4, 6: MULTICAST_IPV6}


def multicast_group(configuration: InstanceConfiguration) -> Address:
    """Return the group of an instance: the configured group, or 224.0.0.18 or ff02::12."""
    return _group(configuration.transport, configuration.family)


@lru_cache(maxsize=256)
def _group(transport: Transport, family: int) -> Address:
    if isinstance(transport, Multicast) and transport.group is not None:
        return ip_address(transport.group)
    return _GROUPS[family]
