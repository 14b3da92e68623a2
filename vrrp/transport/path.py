"""The transport of one instance by multicast or unicast, over a raw socket that instances share."""

from __future__ import annotations

from collections.abc import Sequence

from vrrp.protocol.packet import Address
from vrrp.transport.raw import RawSocket


class RawPath:
    """Sends the messages of one instance from ``source`` to its ``destinations``.

    The destinations are the multicast group, or the unicast peers. The shared socket receives
    packets for all instances; `vrrp.protocol.validation` drops packets for other instances.
    """

    def __init__(
        self, carrier: RawSocket, source: Address, destinations: Sequence[Address]
    ) -> None:
        self.source = source
        self.destinations = destinations
        self._carrier = carrier

    @property
    def lost(self) -> int:
        """The number of datagrams that were lost in the receive queue of the shared socket."""
        return self._carrier.lost

    def send(self, payload: bytes, destination: Address) -> None:
        """Send one message. Raises OSError."""
        self._carrier.send(self.source, payload, destination)

    def drain(self) -> bool:
        """Deliver the packets that wait in the shared socket.

        Return True if the queue is then empty.
        """
        return self._carrier.drain()
