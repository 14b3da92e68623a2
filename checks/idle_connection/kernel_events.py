"""What the kernel says of the way to targets: neighbours that do not answer, carriers lost."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

# linux/netlink.h, linux/rtnetlink.h
_HEADER: Final = struct.Struct("=IHHII")
_NLM_F_REQUEST: Final = 1
_RTM_NEWLINK, _RTM_NEWROUTE, _RTM_GETROUTE, _RTM_NEWNEIGH = 16, 24, 26, 28
_RTMGRP_LINK, _RTMGRP_NEIGH = 0x1, 0x4
_ATTRIBUTE: Final = struct.Struct("=HH")
_ROUTE: Final = struct.Struct("=BBBBBBBBI")
_RTA_DST, _RTA_OIF, _RTA_GATEWAY = 1, 4, 5
# linux/if_link.h, linux/if.h, linux/neighbour.h
_LINK: Final = struct.Struct("=BxHiII")
_IFF_RUNNING: Final = 0x40
_NEIGHBOUR: Final = struct.Struct("=BxxxiHBB")
_NDA_DST: Final = 1
_NUD_FAILED: Final = 0x20

_BYTES_MAX: Final = 65536


class Way(NamedTuple):
    """How packets leave for an address: by which interface's index, and to whom."""

    interface: int
    next_hop: str


class NeighborFailed(NamedTuple):
    """A host on the link of an interface has not answered when asked for its MAC address."""

    neighbour: Way


class CarrierLost(NamedTuple):
    """An interface does not run; it may be that it did not before either."""

    interface: int


Loss = NeighborFailed | CarrierLost


def losses(data: bytes) -> Iterator[Loss]:
    """Find what was lost in rtnetlink messages; what is cut short or else is passed over."""
    for kind, body in _messages(data):
        if kind == _RTM_NEWNEIGH and len(body) >= _NEIGHBOUR.size:
            family, index, state, *_ = _NEIGHBOUR.unpack_from(body)
            found = _address(family, _attributes(body[_NEIGHBOUR.size :]).get(_NDA_DST, b""))
            if state & _NUD_FAILED and found is not None:
                yield NeighborFailed(Way(index, found))
        elif kind == _RTM_NEWLINK and len(body) >= _LINK.size:
            _, _, index, flags, _ = _LINK.unpack_from(body)
            if not flags & _IFF_RUNNING:
                yield CarrierLost(index)


def route_request(address: str) -> bytes:
    """Ask for the route to an address (rtnetlink(7))."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    packed = socket.inet_pton(family, address)
    body = _ROUTE.pack(family, 8 * len(packed), 0, 0, 0, 0, 0, 0, 0)
    body += _ATTRIBUTE.pack(_ATTRIBUTE.size + len(packed), _RTA_DST) + packed
    return _HEADER.pack(_HEADER.size + len(body), _RTM_GETROUTE, _NLM_F_REQUEST, 0, 0) + body


def read_way(data: bytes, address: str) -> Way | None:
    """Read the answer to `route_request`; None when there is no route."""
    for kind, body in _messages(data):
        if kind == _RTM_NEWROUTE and len(body) >= _ROUTE.size:
            attributes = _attributes(body[_ROUTE.size :])
            out = attributes.get(_RTA_OIF, b"")
            if len(out) == 4:
                gateway = _address(body[0], attributes.get(_RTA_GATEWAY, b""))
                return Way(int(struct.unpack("=i", out)[0]), gateway or address)
    return None


def way_to(address: str) -> Way | None:
    """Ask the kernel how packets leave for an address; None when it does not say."""
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as asking:
            asking.send(route_request(address))
            # The kernel has answered before send() returns; nothing is waited for.
            return read_way(asking.recv(_BYTES_MAX, socket.MSG_DONTWAIT), address)
    except OSError:
        return None


def open_events() -> socket.socket:
    """Listen to what becomes of links and neighbours. Raises OSError."""
    kind = socket.SOCK_RAW | socket.SOCK_NONBLOCK
    events = socket.socket(socket.AF_NETLINK, kind, socket.NETLINK_ROUTE)
    try:
        events.bind((0, _RTMGRP_LINK | _RTMGRP_NEIGH))
    except OSError:
        events.close()
        raise
    return events


def read_losses(events: socket.socket) -> tuple[Loss, ...]:
    """Read one message of events; what the kernel has dropped (ENOBUFS) costs hints and no more."""
    try:
        return tuple(losses(events.recv(_BYTES_MAX)))
    except OSError:
        return ()


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= _HEADER.size:
        length, kind, *_ = _HEADER.unpack_from(data)
        if not _HEADER.size <= length <= len(data):
            return
        yield kind, data[_HEADER.size : length]
        data = data[_aligned(length) :]


def _attributes(data: bytes) -> dict[int, bytes]:
    found = {}
    while len(data) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data)
        if not _ATTRIBUTE.size <= length <= len(data):
            break
        found[kind] = data[_ATTRIBUTE.size : length]
        data = data[_aligned(length) :]
    return found


def _aligned(length: int) -> int:
    return (length + 3) & ~3


def _address(family: int, packed: bytes) -> str | None:
    if family == socket.AF_INET and len(packed) == 4:
        return socket.inet_ntop(socket.AF_INET, packed)
    if family == socket.AF_INET6 and len(packed) == 16:
        return socket.inet_ntop(socket.AF_INET6, packed)
    return None
