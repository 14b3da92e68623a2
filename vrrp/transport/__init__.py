"""The transports that carry advertisements: raw IP protocol 112, or UDP datagrams."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from vrrp.protocol.packet import Address, Datagram, DropReason

RECEIVE_BUFFER_BYTES: Final = 1 << 20
DATAGRAM_BYTES: Final = 65535
DRAIN_SECONDS: Final = 0.001
"""How long one call may receive, so that timers run during a flood: a tenth of the shortest
advertisement interval. At least one datagram is received."""

Deliver = Callable[[Datagram], None]
Drop = Callable[[DropReason, Address | None], None]
"""Called with the reason and the sender of a dropped packet; None if the sender is unknown."""


class Transport(Protocol):
    """The methods of a transport that an instance uses.

    ``source`` and ``destinations`` are the addresses of the messages. Each destination gets a
    separate message, because the checksum covers its address.
    """

    source: Address
    destinations: Sequence[Address]

    @property
    def lost(self) -> int:
        """The number of datagrams that were lost because the receive queue was full."""

    def send(self, payload: bytes, destination: Address) -> None:
        """Send one VRRP message before returning. Raises OSError if the kernel refuses it."""

    def drain(self) -> bool:
        """Deliver the packets that wait in the socket, for at most `DRAIN_SECONDS`.

        Return True if the receive queue is then empty. The caller does this before it
        handles a late timer of a stalled process: packets that arrived before the timer
        come first.
        """
