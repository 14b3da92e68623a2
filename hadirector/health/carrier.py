"""Asks the kernel whether packets to a host would leave by an interface that has no carrier."""

from __future__ import annotations

import socket
import struct
from typing import Final

ANSWER_SECONDS: Final = 0.1
"""The kernel answers before it lets us go on (rtnetlink_rcv); this is for what nobody foresees."""
ANSWER_SIZE_MAX: Final = 4096

# linux/netlink.h, linux/rtnetlink.h
_NETLINK_ROUTE = 0
_RTM_NEWROUTE, _RTM_GETROUTE = 24, 26
_NLM_F_REQUEST = 1
_RTA_DST = 1
_RTM_F_FIB_MATCH = 0x2000  # the route as it stands in the table, with the state of its next hop
_RTNH_F_LINKDOWN = 0x10
_HEADER, _ROUTE, _ATTRIBUTE = struct.Struct("=IHHII"), struct.Struct("=8BI"), struct.Struct("=HH")


def is_lost(address: str) -> bool:
    """Look up the route to an address; without one, or an answer, nothing is known to be lost."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    packed = socket.inet_pton(family, address)
    route = _ROUTE.pack(family, 8 * len(packed), 0, 0, 0, 0, 0, 0, _RTM_F_FIB_MATCH)
    body = route + _ATTRIBUTE.pack(_ATTRIBUTE.size + len(packed), _RTA_DST) + packed
    request = _HEADER.pack(_HEADER.size + len(body), _RTM_GETROUTE, _NLM_F_REQUEST, 1, 0) + body
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_ROUTE) as netlink:
            netlink.settimeout(ANSWER_SECONDS)
            netlink.send(request)
            answer = netlink.recv(ANSWER_SIZE_MAX)
    except OSError:
        return False
    if _HEADER.unpack_from(answer)[1] != _RTM_NEWROUTE:
        return False
    return bool(_ROUTE.unpack_from(answer, _HEADER.size)[-1] & _RTNH_F_LINKDOWN)
