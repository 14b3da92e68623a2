"""VRRP messages inside UDP datagrams, between named peers.

UDP proves nothing of where a datagram comes from, so beyond 127.0.0.0/8 it takes auth_hmac.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, cast

from vrrp.model.configuration import UdpUnicast
from vrrp.protocol.packet import TTL, Address, Datagram, DropReason
from vrrp.transport import Deliver, Refuse
from vrrp.transport.queue import datagrams_lost

if TYPE_CHECKING:
    from asyncio_dgram import DatagramStream

LOOPBACK = IPv4Network("127.0.0.0/8")

_DATAGRAM_BYTES = 65535
_DRAIN_LIMIT = 256
_RECEIVE_BUFFER_BYTES = 1 << 18


class UdpSocket:
    """Sends to each peer and hears only the peers; ``receive`` has to run while it is open.

    The receive queue is bounded by the kernel: ``receive`` handles each datagram in the loop
    iteration after the one that read it, and asyncio reads one per iteration, so asyncio-dgram's
    own queue, which has no bound, never holds more than that. What the kernel's buffer does not
    take is lost there. What does not come from a peer and the common port goes to ``refuse``.

    ``authenticated``: what is not authentic goes no further. Raises ValueError for addresses
    outside 127.0.0.0/8 without that, and OSError when (source, port) cannot be bound.
    """

    def __init__(
        self, configuration: UdpUnicast, deliver: Deliver, refuse: Refuse, *, authenticated: bool
    ) -> None:
        for address in (configuration.source, *configuration.peers):
            if not authenticated and IPv4Address(address) not in LOOPBACK:
                raise ValueError(
                    f"{address}: VRRP over UDP works outside {LOOPBACK} only with auth_hmac"
                    " in mode enforce"
                )
        self.source: Address = IPv4Address(configuration.source)
        self._port = configuration.port
        self.destinations: Sequence[Address] = tuple(map(IPv4Address, configuration.peers))
        self._deliver = deliver
        self._refuse = refuse
        self._socket = _bind(configuration)
        self._stream: DatagramStream | None = None

    @property
    def lost(self) -> int:
        """Datagrams that the full receive queue did not take."""
        return datagrams_lost(self._socket)

    def send(self, payload: bytes, destination: Address) -> None:
        """Send one message to one peer, directly: an advertisement waits for no task."""
        self._socket.sendto(payload, (str(destination), self._port))

    async def receive(self) -> None:
        """Deliver what the peers send, until the socket is closed."""
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

    def drain(self) -> None:
        """Deliver what waits in the kernel's buffer."""
        for _ in range(_DRAIN_LIMIT):
            try:
                payload, sender = self._socket.recvfrom(_DATAGRAM_BYTES)
            except OSError:
                return  # nothing more (EAGAIN), or closed
            self._accept(payload, sender)

    def close(self) -> None:
        """Close the socket. Closing twice is harmless."""
        if self._stream is None:
            self._socket.close()
        else:
            self._stream.close()  # which owns the socket now

    def _accept(self, payload: bytes, sender: tuple[str, int]) -> None:
        host, port = sender
        source = IPv4Address(host)
        if source not in self.destinations or port != self._port:
            self._refuse(DropReason.NOT_A_PEER, source)
            return
        # UDP does not show the TTL, and it is not looked at here.
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
