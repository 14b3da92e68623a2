"""Builds and reads the rtnetlink messages for announced addresses, local routes and devices. Pure.

An interface has no protocol number, so our interface has an alias (IFLA_IFALIAS) that names this
program. Our local routes have the protocol number of `vrrp.netlink.route_message`. All fields are
in host byte order (rtnetlink(7), linux/if_link.h, linux/rtnetlink.h).
"""

from __future__ import annotations

import struct
from functools import lru_cache
from ipaddress import ip_address
from typing import Final, NamedTuple

from vrrp.netlink.route_message import PROTOCOL, RTM_NEWROUTE
from vrrp.netlink.rtnetlink import (
    ADD_MISSING,
    AF_INET,
    AF_INET6,
    CACHED,
    CHANGE,
    LIST,
    QUERY,
    RTM_NEWADDR,
    RTM_NEWLINK,
    attribute,
    attributes,
    request,
)

ALIAS: Final = "addresses that hadirector announces"
"""The alias of the interfaces that the director creates."""
METRIC: Final = 50
"""The metric of our local routes. The route that the kernel makes for an address has 0."""
ROUTE_FAMILIES: Final = (AF_INET, AF_INET6)

_RTM_GETLINK, _RTM_DELROUTE, _RTM_GETROUTE = 18, 25, 26
_LINK_HEADER: Final = struct.Struct("=BxHiII")  # struct ifinfomsg
_IFF_UP: Final = 1
_IFLA_IFNAME, _IFLA_LINKINFO, _IFLA_INFO_KIND, _IFLA_IFALIAS = 3, 18, 1, 20
_ADDRESS_HEADER: Final = struct.Struct("=BBBBI")  # struct ifaddrmsg
_IFA_ADDRESS, _IFA_LOCAL, _IFA_CACHEINFO, _IFA_F_NODAD = 1, 2, 6, 0x02
_RENEW: Final = 0x1 | 0x4 | 0x100 | 0x400  # NLM_F_REQUEST, _ACK, _REPLACE, _CREATE
_ROUTE_HEADER: Final = struct.Struct("=BBBBBBBBI")  # struct rtmsg
_RTA_DST, _RTA_OIF, _RTA_PRIORITY, _RTA_TABLE = 1, 4, 6, 15
_RT_TABLE_LOCAL, _RTN_LOCAL, _RT_SCOPE_HOST = 255, 2, 254


class Link(NamedTuple):
    """The index and the kind of an interface, such as ``dummy``, and whether it has our alias."""

    number: int
    kind: str
    ours: bool


def link_creation(name: str, kind: str) -> bytes:
    """Build RTM_NEWLINK, which creates an interface of this kind. It is down."""
    body = _LINK_HEADER.pack(0, 0, 0, 0, 0)
    body += attribute(_IFLA_IFNAME, name.encode() + b"\0")
    body += attribute(_IFLA_LINKINFO, attribute(_IFLA_INFO_KIND, kind.encode()))
    return request(RTM_NEWLINK, ADD_MISSING, body)


def link_activation(index: int) -> bytes:
    """Build RTM_NEWLINK, which brings an interface up."""
    return request(RTM_NEWLINK, CHANGE, _LINK_HEADER.pack(0, 0, index, _IFF_UP, _IFF_UP))


def link_marking(index: int) -> bytes:
    """Build RTM_NEWLINK, which gives an interface our alias. A creation ignores aliases."""
    body = _LINK_HEADER.pack(0, 0, index, 0, 0) + attribute(_IFLA_IFALIAS, ALIAS.encode())
    return request(RTM_NEWLINK, CHANGE, body)


def link_query(name: str) -> bytes:
    """Build RTM_GETLINK for one interface. The kernel answers ENODEV if it does not exist."""
    body = _LINK_HEADER.pack(0, 0, 0, 0, 0) + attribute(_IFLA_IFNAME, name.encode() + b"\0")
    return request(_RTM_GETLINK, QUERY, body)


def read_link(body: bytes) -> Link:
    """Read RTM_NEWLINK."""
    _, _, index, _, _ = _LINK_HEADER.unpack_from(body)
    found = dict(attributes(body, _LINK_HEADER.size))
    information = dict(attributes(found.get(_IFLA_LINKINFO, b"")))
    kind = information.get(_IFLA_INFO_KIND, b"").rstrip(b"\0").decode("ascii", "replace")
    return Link(index, kind, found.get(_IFLA_IFALIAS, b"").rstrip(b"\0") == ALIAS.encode())


@lru_cache(CACHED)
def renewal(index: int, address: str, lifetime: int) -> bytes:
    """Build RTM_NEWADDR, which adds an address for ``lifetime`` seconds, or renews it.

    The address is deprecated, so that the host does not select it as the source of its own
    connections. There is no duplicate address detection: other directors have the same address.
    """
    packed = ip_address(address).packed
    version6 = len(packed) == 16
    header = _ADDRESS_HEADER.pack(
        AF_INET6 if version6 else AF_INET, len(packed) * 8, _IFA_F_NODAD * version6, 0, index
    )
    body = header + attribute(_IFA_LOCAL, packed) + attribute(_IFA_ADDRESS, packed)
    body += attribute(_IFA_CACHEINFO, struct.pack("=IIII", 0, lifetime, 0, 0))
    return request(RTM_NEWADDR, _RENEW, body)


def route_addition(address: str, loopback: int) -> bytes:
    """Build RTM_NEWROUTE: the host accepts packets to this address, even without the address.

    ``loopback`` is the index of the loopback interface. The kernel answers EEXIST if the route
    exists.
    """
    return request(RTM_NEWROUTE, ADD_MISSING, _route(address, loopback))


def route_deletion(address: str, loopback: int) -> bytes:
    """Build RTM_DELROUTE for one of our local routes."""
    return request(_RTM_DELROUTE, CHANGE, _route(address, loopback))


def routes_listing(family: int) -> bytes:
    """Build RTM_GETROUTE, which lists our routes (`NETLINK_GET_STRICT_CHK`)."""
    header = _ROUTE_HEADER.pack(family, 0, 0, 0, _RT_TABLE_LOCAL, PROTOCOL, 0, 0, 0)
    return request(_RTM_GETROUTE, LIST, header)


def read_local_route(body: bytes) -> str | None:
    """Return the address of one of our local routes, as listed; None for any other route."""
    family, length, _, _, table, protocol, _, kind, _ = _ROUTE_HEADER.unpack_from(body)
    if (table, protocol, kind) != (_RT_TABLE_LOCAL, PROTOCOL, _RTN_LOCAL):
        return None
    found = dict(attributes(body, _ROUTE_HEADER.size))
    packed, metric = found.get(_RTA_DST, b""), found.get(_RTA_PRIORITY, b"")
    whole = 32 if family == AF_INET else 128
    if length != whole or len(packed) * 8 != whole or metric != struct.pack("=I", METRIC):
        return None
    return str(ip_address(packed))


def _route(address: str, loopback: int) -> bytes:
    packed = ip_address(address).packed
    family, scope = (AF_INET, _RT_SCOPE_HOST) if len(packed) == 4 else (AF_INET6, 0)
    body = _ROUTE_HEADER.pack(
        family, len(packed) * 8, 0, 0, _RT_TABLE_LOCAL, PROTOCOL, scope, _RTN_LOCAL, 0
    )
    body += attribute(_RTA_DST, packed)
    body += attribute(_RTA_TABLE, struct.pack("=I", _RT_TABLE_LOCAL))
    body += attribute(_RTA_PRIORITY, struct.pack("=I", METRIC))
    return body + attribute(_RTA_OIF, struct.pack("=I", loopback))
