"""How advertisements travel: raw IP protocol 112, or the same packets inside UDP datagrams."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address
from typing import NamedTuple, Protocol


class Datagram(NamedTuple):
    """One received VRRP message with what the receive checks need of its carrier.

    ``ttl`` is None where the carrier does not show it (UDP).
    """

    payload: bytes
    source: IPv4Address
    destination: IPv4Address
    ttl: int | None


Deliver = Callable[[Datagram], None]


class Transport(Protocol):
    """What an instance needs of its transport.

    ``send`` puts the message on the wire before it returns and raises OSError when the kernel
    refuses it. ``drain`` delivers at once what has already arrived, so that a timer that fires
    late (a stalled process) is judged after the advertisements that came in the meantime.
    """

    def send(self, payload: bytes) -> None:
        """Send one VRRP message to the other routers."""

    def drain(self) -> None:
        """Deliver what waits in the socket."""

    def close(self) -> None:
        """Stop receiving and close the socket."""
