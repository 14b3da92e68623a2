"""Reads events of the kernel about the path to targets: failed neighbors and lost carriers."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from checks.io.netlink import MESSAGE_LENGTH_MAX, read_address, read_attributes, read_messages
from checks.io.route_lookup import NextHop

# linux/rtnetlink.h
_RTM_NEWLINK, _RTM_NEWNEIGH = 16, 28
_RTMGRP_LINK, _RTMGRP_NEIGH = 0x1, 0x4
# struct ifinfomsg (linux/rtnetlink.h), linux/if.h
_LINK: Final = struct.Struct("=BxHiII")
_IFF_RUNNING: Final = 0x40
# linux/neighbour.h
_NEIGHBOR: Final = struct.Struct("=BxxxiHBB")
_NDA_DST: Final = 1
_NUD_FAILED: Final = 0x20


class NeighborFailed(NamedTuple):
    """A host on the link did not answer requests for its MAC address."""

    neighbor: NextHop


class CarrierLost(NamedTuple):
    """An interface has no carrier. The event does not show whether it had a carrier before."""

    interface: int


PathLoss = NeighborFailed | CarrierLost


def read_losses(data: bytes) -> Iterator[PathLoss]:
    """Find lost neighbors and carriers in rtnetlink messages. Ignore everything else."""
    for message_type, body in read_messages(data):
        if message_type == _RTM_NEWNEIGH and len(body) >= _NEIGHBOR.size:
            family, index, state, *_ = _NEIGHBOR.unpack_from(body)
            attributes = read_attributes(body[_NEIGHBOR.size :])
            address = read_address(family, attributes.get(_NDA_DST, b""))
            if state & _NUD_FAILED and address is not None:
                yield NeighborFailed(NextHop(index, address))
        elif message_type == _RTM_NEWLINK and len(body) >= _LINK.size:
            _, _, index, flags, _ = _LINK.unpack_from(body)
            if not flags & _IFF_RUNNING:
                yield CarrierLost(index)


def open_event_socket() -> socket.socket:
    """Open a socket that receives the events of links and neighbors. Raises OSError."""
    socket_type = socket.SOCK_RAW | socket.SOCK_NONBLOCK
    events = socket.socket(socket.AF_NETLINK, socket_type, socket.NETLINK_ROUTE)
    try:
        events.bind((0, _RTMGRP_LINK | _RTMGRP_NEIGH))
    except OSError:
        events.close()
        raise
    return events


def receive_losses(events: socket.socket) -> tuple[PathLoss, ...]:
    """Receive the lost neighbors and carriers of one netlink datagram.

    If the socket buffer overflowed (ENOBUFS), the kernel has dropped events. Hints are then
    lost, but verdicts are not, because the regular probes find the same failures later.
    """
    try:
        return tuple(read_losses(events.recv(MESSAGE_LENGTH_MAX)))
    except OSError:
        return ()
