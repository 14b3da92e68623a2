"""A way to a server that breaks after so many bytes of what it says."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Way:
    """Passes on what both sides say, of the server the first ``length`` bytes; then ``ending``."""

    def __init__(self, server: int, length: int, ending: Handler) -> None:
        self.passed_on = 0
        self._server = server
        self._length = length
        self._ending = ending

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Be a server on loopback (`serve`)."""
        there, back = await asyncio.open_connection("127.0.0.1", self._server)
        asking = asyncio.create_task(_pass_on(reader, back))
        try:
            while self.passed_on < self._length:
                words = await there.read(self._length - self.passed_on)
                if not words:
                    return
                self.passed_on += len(words)
                writer.write(words)
                await writer.drain()
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            back.transport.abort()
        await asyncio.sleep(0.02)  # so that a reset does not overtake the words
        await self._ending(reader, writer)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while words := await reader.read(65536):
            writer.write(words)
            await writer.drain()
    writer.close()  # the client has gone
