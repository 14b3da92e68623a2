"""IP protocol 112 to named peers. No RFC defines it; keepalived's unicast_peer is the model."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

from vrrp.model.configuration import Unicast
from vrrp.protocol.packet import Address
from vrrp.transport.raw import RawSocket


class UnicastPath:
    """One instance's way to its peers, over the socket of its interface and family.

    That socket hears what is sent to any address of the host; `vrrp.protocol.validation` leaves
    what the peers send to ``source``.
    """

    def __init__(self, carrier: RawSocket, configuration: Unicast) -> None:
        self.source: Address = ip_address(configuration.source)
        self.destinations: Sequence[Address] = tuple(map(ip_address, configuration.peers))
        self._carrier = carrier

    @property
    def lost(self) -> int:
        """Datagrams that the full receive queue of the shared socket did not take."""
        return self._carrier.lost

    def send(self, payload: bytes, destination: Address) -> None:
        """Send one message to one peer."""
        self._carrier.send_from(self.source, payload, destination)

    def drain(self) -> None:
        """Deliver what waits in the shared socket."""
        self._carrier.drain()
