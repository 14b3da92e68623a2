"""The rtnetlink messages that make, find, raise, lower and delete a macvlan, as bytes.

linux/if_link.h has the numbers; all are in the host's byte order (rtnetlink(7)).
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from vrrp.netlink.rtnetlink import ADD_MISSING, RTM_DELLINK, RTM_NEWLINK, attribute, request

_NLM_F_REQUEST, _NLM_F_ACK = 0x1, 0x4
_RTM_GETLINK: Final = 18
_LINK_HEADER: Final = struct.Struct("=BxHiII")  # struct ifinfomsg
_ATTRIBUTE_HEADER: Final = struct.Struct("=HH")
_NUMBER: Final = struct.Struct("=I")
_IFF_UP: Final = 1
_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_LINK, _IFLA_LINKINFO = 1, 3, 5, 18
_IFLA_INFO_KIND, _IFLA_INFO_DATA = 1, 2
_IFLA_MACVLAN_MODE: Final = 1
_BRIDGE: Final = 4  # MACVLAN_MODE_BRIDGE
_NLA_TYPE_MASK: Final = 0x3FFF

_CHANGE: Final = _NLM_F_REQUEST | _NLM_F_ACK


class Shape(NamedTuple):
    """What makes an interface the one of a virtual MAC: ``parent`` is an interface's index."""

    kind: str
    parent: int
    hardware_address: bytes
    mode: int


def macvlan(parent: int, hardware_address: bytes) -> Shape:
    """The shape of ours.

    In bridge mode the parent still hears what a peer sends from the same virtual MAC; in private
    mode the kernel hands such a frame to the macvlan alone (drivers/net/macvlan.c).
    """
    return Shape("macvlan", parent, hardware_address, _BRIDGE)


def creation(name: str, shape: Shape) -> bytes:
    """Build RTM_NEWLINK for an interface that is down."""
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
    """Build RTM_NEWLINK that sets an interface up or down."""
    flags = _IFF_UP if up else 0
    return request(RTM_NEWLINK, _CHANGE, _LINK_HEADER.pack(0, 0, index, flags, _IFF_UP))


def deletion(index: int) -> bytes:
    """Build RTM_DELLINK."""
    return request(RTM_DELLINK, _CHANGE, _LINK_HEADER.pack(0, 0, index, 0, 0))


def query(name: str) -> bytes:
    """Build RTM_GETLINK for one interface; the kernel answers ENODEV if there is none."""
    body = _LINK_HEADER.pack(0, 0, 0, 0, 0) + attribute(_IFLA_IFNAME, name.encode() + b"\0")
    return request(_RTM_GETLINK, _NLM_F_REQUEST, body)


def read_shape(body: bytes) -> Shape:
    """Read RTM_NEWLINK; what an interface has none of is empty or 0."""
    found = _attributes(body[_LINK_HEADER.size :])
    information = _attributes(found.get(_IFLA_LINKINFO, b""))
    data = _attributes(information.get(_IFLA_INFO_DATA, b""))
    kind = information.get(_IFLA_INFO_KIND, b"").rstrip(b"\0").decode("ascii", "replace")
    mode = data.get(_IFLA_MACVLAN_MODE, b"") if kind == "macvlan" else b""
    return Shape(
        kind, _number(found.get(_IFLA_LINK, b"")), found.get(_IFLA_ADDRESS, b""), _number(mode)
    )


def _attributes(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    while len(data) >= _ATTRIBUTE_HEADER.size:
        length, kind = _ATTRIBUTE_HEADER.unpack_from(data)
        if length < _ATTRIBUTE_HEADER.size:
            break
        found[kind & _NLA_TYPE_MASK] = data[_ATTRIBUTE_HEADER.size : length]
        data = data[(length + 3) & ~3 :]
    return found


def _number(data: bytes) -> int:
    return int(_NUMBER.unpack(data)[0]) if len(data) == _NUMBER.size else 0
