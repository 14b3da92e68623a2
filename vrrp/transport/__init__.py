"""How advertisements travel: raw IP protocol 112, or the same packets inside UDP datagrams."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from vrrp.protocol.packet import Address, Datagram, DropReason

RECEIVE_BUFFER_BYTES: Final = 1 << 20
DATAGRAM_BYTES: Final = 65535

Deliver = Callable[[Datagram], None]
Refuse = Callable[[DropReason, Address | None], None]
"""Takes the reason and the sender, None where the packet is too broken to say."""


class Transport(Protocol):
    """What an instance needs of its transport.

    ``source`` and ``destinations`` are the addresses that messages carry; to each destination goes
    a message of its own, because checksums cover it. ``send`` puts the message on the wire before
    it returns and raises OSError when the kernel refuses it. ``drain`` delivers at once what has
    already arrived, so that a timer that fires late (a stalled process) is judged after the
    advertisements that came in the meantime.
    """

    source: Address
    destinations: Sequence[Address]

    @property
    def lost(self) -> int:
        """Datagrams that the full receive queue of the socket did not take."""

    def send(self, payload: bytes, destination: Address) -> None:
        """Send one VRRP message to one destination."""

    def drain(self) -> None:
        """Deliver what waits in the socket."""
