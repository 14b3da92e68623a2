"""The transport that sends advertisements with the virtual MAC as source (RFC 9568 7.2)."""

from __future__ import annotations

from collections.abc import Sequence

from vrrp.protocol.frame import advertisement_frame
from vrrp.protocol.packet import Address
from vrrp.transport.frames import FrameSocket
from vrrp.transport.path import RawPath


class VirtualMacPath:
    """Sends the messages of one instance as frames, and receives through a shared raw socket.

    The frames are sent on the interface itself, not on the macvlan: the macvlan may still be
    down at the first advertisement, and already down at the last one.
    """

    def __init__(
        self, path: RawPath, frames: FrameSocket, interface: str, hardware_address: bytes
    ) -> None:
        self.source: Address = path.source
        self.destinations: Sequence[Address] = path.destinations
        self._path = path
        self._frames = frames
        self._interface = interface
        self._hardware_address = hardware_address

    @property
    def lost(self) -> int:
        """The number of datagrams that were lost in the receive queue of the shared socket."""
        return self._path.lost

    def send(self, payload: bytes, destination: Address) -> None:
        """Send one message to the group. Raises OSError."""
        assert destination in self.destinations
        frame = advertisement_frame(self._hardware_address, self.source, destination, payload)
        self._frames.send(self._interface, frame)

    def drain(self) -> bool:
        """Deliver the packets that wait in the shared socket.

        Return True if the queue is then empty.
        """
        return self._path.drain()
