"""The transport to unicast peers over IP protocol 112, as unicast_peer of keepalived."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

from vrrp.model.configuration import Unicast
from vrrp.protocol.packet import Address
from vrrp.transport.raw import RawSocket


class UnicastPath:
    """Sends the messages of one instance to its peers through a shared raw socket.

    The socket receives packets to all addresses of the host. `vrrp.protocol.validation` drops
    packets that are not sent from a peer to ``source``.
    """

    def __init__(self, carrier: RawSocket, configuration: Unicast) -> None:
        self.source: Address = ip_address(configuration.source)
        self.destinations: Sequence[Address] = tuple(map(ip_address, configuration.peers))
        self._carrier = carrier

    @property
    def lost(self) -> int:
        """The number of datagrams that were lost in the receive queue of the shared socket."""
        return self._carrier.lost

    def send(self, payload: bytes, destination: Address) -> None:
        """Send one message to one peer. Raises OSError."""
        self._carrier.send_from(self.source, payload, destination)

    def drain(self) -> bool:
        """Deliver the packets that wait in the shared socket. Return whether that were all."""
        return self._carrier.drain()
