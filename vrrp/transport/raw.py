"""IP protocol 112: one raw socket per interface and family (RFC 9568 5.1)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import Final, Protocol

from vrrp.protocol.packet import Address, Datagram, PacketError
from vrrp.transport import Deliver, Refuse
from vrrp.transport.ipv4 import Ipv4
from vrrp.transport.ipv6 import Ipv6
from vrrp.transport.queue import datagrams_lost

_DRAIN_LIMIT = 256  # per call: timers get their turn in a flood, about one full buffer


class Family(Protocol):
    """What differs between IPv4 and IPv6."""

    group: Address

    def open(self, interface: str, index: int) -> socket.socket:
        """Open a socket that hears the group on one interface alone. Raises OSError."""

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
        """Read one datagram. Raises PacketError, and OSError when there is none."""


_FAMILIES: Final[dict[int, Family]] = {4: Ipv4(), 6: Ipv6()}


class RawSocket:
    """Sends to and receives from VRRP's group on one interface, for all its virtual routers.

    The family is that of ``source``, the address of the interface that advertisements come from.
    Raises OSError from the constructor: PermissionError without CAP_NET_RAW, ENODEV when the
    interface is gone. Every datagram goes to ``deliver``, whatever its VRID; what is none goes
    to ``refuse``.
    """

    def __init__(
        self, interface: str, index: int, source: Address, deliver: Deliver, refuse: Refuse
    ) -> None:
        self.index = index
        self.source = source
        self._family = _FAMILIES[source.version]
        self.destinations: Sequence[Address] = (self._family.group,)
        self._deliver = deliver
        self._refuse = refuse
        self._socket = self._family.open(interface, index)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self.drain)

    @property
    def lost(self) -> int:
        """Datagrams that the full receive queue did not take."""
        return datagrams_lost(self._socket)

    def send(self, payload: bytes, destination: Address) -> None:
        """Send one message from ``source``."""
        self.send_from(self.source, payload, destination)

    def send_from(self, source: Address, payload: bytes, destination: Address) -> None:
        """Send one message from another address.

        The source is given with every packet, because it can change under us and because a bound
        raw IPv4 socket would no longer hear the group.
        """
        self._family.send(self._socket, self.index, source, payload, destination)

    def drain(self) -> None:
        """Deliver what waits in the socket."""
        for _ in range(_DRAIN_LIMIT):
            if self._socket.fileno() < 0:
                return  # a delivered datagram made its receiver close us
            try:
                datagram = self._family.receive(self._socket)
            except PacketError as error:
                self._refuse(error.reason, None)
            except OSError:
                # Nothing more, or a pending error of the device (ENETDOWN), now cleared; the link
                # watcher sees the cause, and the reader is called again if more is waiting.
                return
            else:
                self._deliver(datagram)

    def close(self) -> None:
        """Stop receiving and close the socket. Closing twice is harmless."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()
