"""The transport over IP protocol 112: one raw socket per interface and family (RFC 9568 5.1)."""

from __future__ import annotations

import asyncio
import socket
from typing import Final, Protocol

from vrrp.protocol.packet import Address, Datagram, PacketError
from vrrp.transport import DRAIN_SECONDS, Deliver, Drop
from vrrp.transport.ipv4 import Ipv4
from vrrp.transport.ipv6 import Ipv6
from vrrp.transport.queue import datagrams_lost


class Family(Protocol):
    """The functions of the raw socket that differ between IPv4 and IPv6."""

    def open(self, interface: str, index: int) -> socket.socket:
        """Open a socket that receives on one interface only. Raises OSError."""

    def join(self, opened: socket.socket, index: int, group: Address) -> None:
        """Receive from a multicast group. Raises OSError."""

    def leave(self, opened: socket.socket, index: int, group: Address) -> None:
        """Stop receiving from a multicast group. Raises OSError."""

    def send(
        self,
        opened: socket.socket,
        index: int,
        source: Address,
        payload: bytes,
        destination: Address,
    ) -> None:
        """Send one message from ``source``. Raises OSError."""

    def receive(self, opened: socket.socket) -> Datagram:
        """Read one datagram. Raises PacketError, and OSError if there is no datagram."""


_FAMILIES: Final[dict[int, Family]] = {4: Ipv4(), 6: Ipv6()}


class RawSocket:
    """Sends and receives VRRP messages on one interface, for all its virtual routers.

    It has one address family, and receives from multicast groups after `join`. ``deliver`` gets
    every datagram with any VRID. ``drop`` is called for packets with an invalid IP header. The
    constructor raises PermissionError without CAP_NET_RAW, and OSError (ENODEV) if the interface
    does not exist.
    """

    def __init__(
        self, interface: str, index: int, family: int, deliver: Deliver, drop: Drop
    ) -> None:
        self.index = index
        self._family = _FAMILIES[family]
        self._groups: frozenset[Address] = frozenset()
        self._deliver = deliver
        self._drop = drop
        self._socket = self._family.open(interface, index)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self.drain)

    @property
    def lost(self) -> int:
        """The number of datagrams that were lost because the receive queue was full."""
        return datagrams_lost(self._socket)

    def join(self, groups: frozenset[Address]) -> None:
        """Receive from exactly these multicast groups. Raises OSError."""
        for group in groups - self._groups:
            self._family.join(self._socket, self.index, group)
            self._groups |= {group}
        for group in self._groups - groups:
            self._family.leave(self._socket, self.index, group)
            self._groups -= {group}

    def send(self, source: Address, payload: bytes, destination: Address) -> None:
        """Send one message. Raises OSError.

        The source is set for every packet, because instances have different sources, and a source
        may change. A bound raw IPv4 socket would not receive from the group.
        """
        self._family.send(self._socket, self.index, source, payload, destination)

    def drain(self) -> bool:
        """Deliver the packets that wait in the socket, for 1 ms.

        Return True if the queue is then empty.
        """
        end = self._loop.time() + DRAIN_SECONDS
        while self._socket.fileno() >= 0:  # the receiver of a datagram may close this socket
            try:
                datagram = self._family.receive(self._socket)
            except PacketError as error:
                self._drop(error.reason, None)
            except OSError:
                # No more packets, or a pending error of the device (ENETDOWN). Reading clears the
                # error. The link watcher detects its cause; more packets call this reader again.
                return True
            else:
                self._deliver(datagram)
            if self._loop.time() >= end:
                return False
        return True

    def close(self) -> None:
        """Stop receiving and close the socket. A second call has no effect."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()
