"""The rtnetlink messages for a macvlan, as bytes.

The numbers are from linux/if_link.h. All fields are in host byte order (rtnetlink(7)).
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from vrrp.netlink.rtnetlink import (
    ADD_MISSING,
    CHANGE,
    QUERY,
    RTM_DELLINK,
    RTM_NEWLINK,
    attribute,
    attributes,
    request,
)

_RTM_GETLINK: Final = 18
_LINK_HEADER: Final = struct.Struct("=BxHiII")  # struct ifinfomsg
_NUMBER: Final = struct.Struct("=I")
_IFF_UP: Final = 1
_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_LINK, _IFLA_LINKINFO = 1, 3, 5, 18
_IFLA_INFO_KIND, _IFLA_INFO_DATA = 1, 2
_IFLA_MACVLAN_MODE: Final = 1
_BRIDGE: Final = 4  # MACVLAN_MODE_BRIDGE


class Shape(NamedTuple):
    """The properties of a macvlan or another interface. ``parent`` is an interface index."""

    kind: str
    parent: int
    hardware_address: bytes
    mode: int


def macvlan(parent: int, hardware_address: bytes) -> Shape:
    """Return the properties that the macvlan for a virtual MAC must have.

    In bridge mode, the parent also receives frames of a peer that uses the same virtual MAC. In
    private mode, only the macvlan receives them (drivers/net/macvlan.c).
    """
    return Shape("macvlan", parent, hardware_address, _BRIDGE)


def creation(name: str, shape: Shape) -> bytes:
    """Build RTM_NEWLINK, which creates an interface that is down."""
    data = attribute(_IFLA_MACVLAN_MODE, _NUMBER.pack(shape.mode))
    information = attribute(_IFLA_INFO_KIND, shape.kind.encode())
    information += attribute(_IFLA_INFO_DATA, data)
    body = _LINK_HEADER.pack(0, 0, 0, 0, 0)
    body += attribute(_IFLA_IFNAME, name.encode() + b"\0")
    body += attribute(_IFLA_LINK, _NUMBER.pack(shape.parent))
    body += attribute(_IFLA_ADDRESS, shape.hardware_address)
    body += attribute(_IFLA_LINKINFO, information)
    return request(RTM_NEWLINK, ADD_MISSING, body)


def switch(index: int, *, up: bool) -> bytes:
    """Build RTM_NEWLINK, which brings an interface up or down."""
    flags = _IFF_UP if up else 0
    return request(RTM_NEWLINK, CHANGE, _LINK_HEADER.pack(0, 0, index, flags, _IFF_UP))


def deletion(index: int) -> bytes:
    """Build RTM_DELLINK."""
    return request(RTM_DELLINK, CHANGE, _LINK_HEADER.pack(0, 0, index, 0, 0))


def query(name: str) -> bytes:
    """Build RTM_GETLINK for one interface. The kernel answers ENODEV if it does not exist."""
    body = _LINK_HEADER.pack(0, 0, 0, 0, 0) + attribute(_IFLA_IFNAME, name.encode() + b"\0")
    return request(_RTM_GETLINK, QUERY, body)


def read_shape(body: bytes) -> Shape:
    """Read the properties of an interface from RTM_NEWLINK. A missing property is empty or 0."""
    found = dict(attributes(body, _LINK_HEADER.size))
    information = dict(attributes(found.get(_IFLA_LINKINFO, b"")))
    data = dict(attributes(information.get(_IFLA_INFO_DATA, b"")))
    kind = information.get(_IFLA_INFO_KIND, b"").rstrip(b"\0").decode("ascii", "replace")
    mode = data.get(_IFLA_MACVLAN_MODE, b"") if kind == "macvlan" else b""
    return Shape(
        kind, _number(found.get(_IFLA_LINK, b"")), found.get(_IFLA_ADDRESS, b""), _number(mode)
    )


def _number(data: bytes) -> int:
    return int(_NUMBER.unpack(data)[0]) if len(data) == _NUMBER.size else 0
