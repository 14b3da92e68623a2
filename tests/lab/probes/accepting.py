"""A server in this loop that loses no connection.

asyncio's own forgets to close one that it has accepted while it is being closed, and a probe may
have come and gone before it is told that anybody came.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable

Converse = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Acceptor:
    """Accepts on a port, a free one if 0, and has a conversation with each client."""

    def __init__(
        self,
        converse: Converse,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._converse = converse
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._conversations: set[asyncio.Task[None]] = set()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._loop.add_reader(self._listener, self._accept)

    async def close(self) -> None:
        """Accept nobody any more; wait for every conversation to end."""
        self._loop.remove_reader(self._listener)
        self._listener.close()
        await asyncio.gather(*self._conversations)

    def _accept(self) -> None:
        made, _ = self._listener.accept()
        self._conversations.add(self._loop.create_task(self._begin(made)))

    async def _begin(self, made: socket.socket) -> None:
        reader = asyncio.StreamReader()
        writers: list[asyncio.StreamWriter] = []
        # Told of its client by a call, the protocol knows that it is the server's in STARTTLS too.
        protocol = asyncio.StreamReaderProtocol(reader, lambda _, writer: writers.append(writer))
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await self._loop.connect_accepted_socket(lambda: protocol, made, ssl=self._tls)
            [writer] = writers
            try:
                await self._converse(reader, writer)
            finally:
                writer.close()
            await writer.wait_closed()
