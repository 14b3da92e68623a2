"""Looks up the route to an address: the next hop, and whether its link has a carrier."""

from __future__ import annotations

import socket
import struct
from typing import Final, NamedTuple

from checks.io.netlink import (
    MESSAGE_LENGTH_MAX,
    read_address,
    read_attributes,
    read_messages,
    write_attribute,
    write_request,
)

# linux/rtnetlink.h
_RTM_NEWROUTE, _RTM_GETROUTE = 24, 26
_ROUTE: Final = struct.Struct("=8BI")
_RTA_DST, _RTA_OIF, _RTA_GATEWAY = 1, 4, 5
_RTN_LOCAL: Final = 2
_RTM_F_FIB_MATCH: Final = 0x2000
"""Requests the route as it is in the table, because then its flags show the state of the link."""
_RTNH_F_LINKDOWN: Final = 0x10


class NextHop(NamedTuple):
    """The index of the outgoing interface, and the address of the next host on that link."""

    interface: int
    address: str


def find_next_hop(address: str) -> NextHop | None:
    """Return the next hop on the way to an address; None without a route or an answer."""
    return read_next_hop(_look_up(address, 0), address)


def has_no_carrier(address: str) -> bool:
    """Return True if the interface of the route to an address has no carrier, else False.

    Without a route, the answer is False.
    """
    return read_link_down(_look_up(address, _RTM_F_FIB_MATCH))


def is_local(address: str) -> bool:
    """Return whether an address belongs to this host; False if the kernel does not answer."""
    return read_is_local(_look_up(address, 0))


def write_route_request(address: str, flags: int) -> bytes:
    """Return the request for the route to an address."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    packed = socket.inet_pton(family, address)
    route = _ROUTE.pack(family, 8 * len(packed), 0, 0, 0, 0, 0, 0, flags)
    return write_request(_RTM_GETROUTE, route + write_attribute(_RTA_DST, packed))


def read_next_hop(data: bytes, address: str) -> NextHop | None:
    """Read the next hop from the kernel's answer; None if the answer contains no route."""
    for message_type, body in read_messages(data):
        if message_type == _RTM_NEWROUTE and len(body) >= _ROUTE.size:
            attributes = read_attributes(body[_ROUTE.size :])
            interface = attributes.get(_RTA_OIF, b"")
            if len(interface) == 4:
                gateway = read_address(body[0], attributes.get(_RTA_GATEWAY, b""))
                return NextHop(int(struct.unpack("=i", interface)[0]), gateway or address)
    return None


def read_is_local(data: bytes) -> bool:
    """Read from the kernel's answer whether packets to the address stay on this host."""
    return any(
        message_type == _RTM_NEWROUTE
        and len(body) >= _ROUTE.size
        and _ROUTE.unpack_from(body)[7] == _RTN_LOCAL
        for message_type, body in read_messages(data)
    )


def read_link_down(data: bytes) -> bool:
    """Read from the kernel's answer whether the interface of the route has no carrier."""
    return any(
        message_type == _RTM_NEWROUTE
        and len(body) >= _ROUTE.size
        and bool(_ROUTE.unpack_from(body)[-1] & _RTNH_F_LINKDOWN)
        for message_type, body in read_messages(data)
    )


def _look_up(address: str, flags: int) -> bytes:
    """Send the request to the kernel and return the answer; empty if there is none."""
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
            netlink.send(write_route_request(address, flags))
            # The kernel queues the answer before send() returns (rtnetlink_rcv), so recv() never
            # has to wait.
            return netlink.recv(MESSAGE_LENGTH_MAX, socket.MSG_DONTWAIT)
    except OSError:
        return b""
