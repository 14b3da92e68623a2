"""The transport over UDP datagrams between configured peers.

The source address of a UDP datagram can be forged. Outside 127.0.0.0/8, auth_hmac is therefore
required.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, cast

from vrrp.model.configuration import UdpUnicast
from vrrp.protocol.packet import TTL, Address, Datagram, DropReason
from vrrp.transport import DRAIN_SECONDS, Deliver, Drop
from vrrp.transport.queue import datagrams_lost

if TYPE_CHECKING:
    from asyncio_dgram import DatagramStream

LOOPBACK = IPv4Network("127.0.0.0/8")

_DATAGRAM_BYTES = 65535
_RECEIVE_BUFFER_BYTES = 1 << 18


class UdpSocket:
    """Sends to all peers and receives from peers only. The task `receive` must run.

    The kernel limits the receive queue, and drops datagrams when it is full. The queue of
    asyncio-dgram has no limit, but never holds more than one datagram: asyncio reads one
    datagram per loop iteration, and `receive` handles it in the next one. ``drop`` is called
    for a datagram that does not come from a peer with the configured port.

    ``authenticated`` means that auth_hmac drops messages that are not authentic. Without it,
    the constructor raises ValueError for addresses outside 127.0.0.0/8. It raises OSError if
    source and port cannot be bound.
    """

    def __init__(
        self, configuration: UdpUnicast, deliver: Deliver, drop: Drop, *, authenticated: bool
    ) -> None:
        for address in (configuration.source, *configuration.peers):
            if not authenticated and IPv4Address(address) not in LOOPBACK:
                raise ValueError(
                    f"{address}: VRRP over UDP outside {LOOPBACK} requires auth_hmac"
                    " in mode enforce"
                )
        self.source: Address = IPv4Address(configuration.source)
        self._port = configuration.port
        self.destinations: Sequence[Address] = tuple(map(IPv4Address, configuration.peers))
        self._deliver = deliver
        self._drop = drop
        self._socket = _bind(configuration)
        self._stream: DatagramStream | None = None

    @property
    def lost(self) -> int:
        """The number of datagrams that were lost because the receive queue was full."""
        return datagrams_lost(self._socket)

    def send(self, payload: bytes, destination: Address) -> None:
        """Send one message to one peer before returning. Raises OSError."""
        self._socket.sendto(payload, (str(destination), self._port))

    async def receive(self) -> None:
        """Deliver the messages of the peers until the socket is closed."""
        from asyncio_dgram import TransportClosed, from_socket

        self._stream = stream = await from_socket(self._socket)
        try:
            while True:
                with suppress(OSError):  # an ICMP error, reported on the next call
                    payload, sender = await stream.recv()
                    self._accept(payload, cast("tuple[str, int]", sender))
        except TransportClosed:
            return
        finally:
            stream.close()

    def drain(self) -> bool:
        """Deliver the datagrams that wait in the socket, for 1 ms.

        Return True if the queue is then empty.
        """
        end = time.monotonic() + DRAIN_SECONDS
        while True:
            try:
                payload, sender = self._socket.recvfrom(_DATAGRAM_BYTES)
            except OSError:
                return True  # no more datagrams (EAGAIN), or the socket is closed
            self._accept(payload, sender)
            if time.monotonic() >= end:
                return False

    def close(self) -> None:
        """Close the socket. A second call has no effect."""
        if self._stream is None:
            self._socket.close()
        else:
            self._stream.close()  # the stream owns the socket

    def _accept(self, payload: bytes, sender: tuple[str, int]) -> None:
        host, port = sender
        source = IPv4Address(host)
        if source not in self.destinations or port != self._port:
            self._drop(DropReason.NOT_A_PEER, source)
            return
        # UDP does not show the TTL, so it is not validated.
        self._deliver(Datagram(source, self.source, TTL, payload))


def _bind(configuration: UdpUnicast) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        bound.bind((configuration.source, configuration.port))
    except OSError:
        bound.close()
        raise
    return bound
