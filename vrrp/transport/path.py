"""The path of one instance through the raw socket of its interface, by multicast or unicast."""

from __future__ import annotations

from collections.abc import Sequence

from vrrp.protocol.packet import Address
from vrrp.transport.raw import RawSocket


class RawPath:
    """Sends the messages of one instance from ``source`` to its ``destinations``.

    The destinations are the multicast group, or the unicast peers. The shared socket receives
    packets for all instances. `vrrp.protocol.validation` drops packets that are not for this one.
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
        """Deliver the packets that wait in the shared socket. Return whether that were all."""
        return self._carrier.drain()
