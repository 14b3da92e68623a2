"""Advertisements to the group in frames whose source is the virtual MAC (RFC 9568 7.2)."""

from __future__ import annotations

from collections.abc import Sequence

from vrrp.protocol.frame import advertisement_frame
from vrrp.protocol.packet import Address
from vrrp.transport.frames import FrameSocket
from vrrp.transport.raw import RawSocket


class VirtualMacPath:
    """One instance's way to the group; it hears over the socket of its interface and family.

    Its frames leave by the interface itself: the first one precedes the macvlan's going up, and
    the last one may follow its going down.
    """

    def __init__(
        self, carrier: RawSocket, frames: FrameSocket, interface: str, hardware_address: bytes
    ) -> None:
        self.source: Address = carrier.source
        self.destinations: Sequence[Address] = carrier.destinations
        self._carrier = carrier
        self._frames = frames
        self._interface = interface
        self._hardware_address = hardware_address

    @property
    def lost(self) -> int:
        """Datagrams that the full receive queue of the shared socket did not take."""
        return self._carrier.lost

    def send(self, payload: bytes, destination: Address) -> None:
        """Send one message to the group."""
        assert destination in self.destinations
        frame = advertisement_frame(self._hardware_address, self.source, payload)
        self._frames.send(self._interface, frame)

    def drain(self) -> None:
        """Deliver what waits in the shared socket."""
        self._carrier.drain()
