"""A server in this event loop that handles every connection.

The server of asyncio does not close a connection that it accepts while it is being closed. A probe
may also connect and disconnect before that server calls its handler.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable

Converse = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Acceptor:
    """Accepts connections on a port, or on a free port if it is 0, and runs a handler for each."""

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
        """Close the listener, and wait for the end of every connection."""
        self._loop.remove_reader(self._listener)
        self._listener.close()
        await asyncio.gather(*self._conversations)

    def _accept(self) -> None:
        accepted, _ = self._listener.accept()
        self._conversations.add(self._loop.create_task(self._begin(accepted)))

    async def _begin(self, accepted: socket.socket) -> None:
        reader = asyncio.StreamReader()
        writers: list[asyncio.StreamWriter] = []
        # With a callback, the protocol acts as the server in STARTTLS too.
        protocol = asyncio.StreamReaderProtocol(reader, lambda _, writer: writers.append(writer))
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await self._loop.connect_accepted_socket(lambda: protocol, accepted, ssl=self._tls)
            [writer] = writers
            try:
                await self._converse(reader, writer)
            finally:
                writer.close()
            await writer.wait_closed()
