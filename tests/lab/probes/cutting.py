"""A proxy that cuts the connection after a number of bytes from the server."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class CuttingProxy:
    """Forwards both directions, up to ``length`` bytes from the server. Then it runs ``ending``."""

    def __init__(self, server: int, length: int, ending: Handler) -> None:
        self.forwarded = 0
        self._server = server
        self._length = length
        self._ending = ending

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle a connection as a server on loopback (`serve`)."""
        there, back = await asyncio.open_connection("127.0.0.1", self._server)
        asking = asyncio.create_task(_forward(reader, back))
        try:
            while self.forwarded < self._length:
                data = await there.read(self._length - self.forwarded)
                if not data:
                    return
                self.forwarded += len(data)
                writer.write(data)
                await writer.drain()
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            back.transport.abort()
        await asyncio.sleep(0.02)  # so that a reset does not overtake the data
        await self._ending(reader, writer)


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()  # the client has closed the connection
