"""A small UDP server on loopback."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

Sender = tuple[str, int]


class _Server(asyncio.DatagramProtocol):
    def __init__(self, make: Callable[[bytes], list[bytes]]) -> None:
        self.senders: list[Sender] = []
        self._make = make

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]  # asyncio declares the base class
        self._transport = transport

    def datagram_received(self, data: bytes, sender: Sender) -> None:
        self.senders.append(sender)
        for reply in self._make(data):
            self._transport.sendto(reply, sender)


@contextlib.asynccontextmanager
async def answering(
    make: Callable[[bytes], list[bytes]], host: str = "127.0.0.1"
) -> AsyncIterator[int]:
    """Answer each datagram on a free port with the datagrams that ``make`` returns."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Server(make), local_addr=(host, 0))
    try:
        yield transport.get_extra_info("sockname")[1]
    finally:
        transport.close()
