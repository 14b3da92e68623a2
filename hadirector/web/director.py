"""A client of the director's API, over the doorway that only this process has."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from typing import Any, Final

import aiohttp
from aiohttp import ClientTimeout
from yarl import URL

from hadirector.processes import doorway

CONNECTIONS_MAX: Final = 16
"""Requests to the director at the same time. Further requests wait."""
ANSWER_SECONDS_MAX: Final = 30.0
ANSWER_BYTES_MAX: Final = 128 * 1024 * 1024
_ORIGIN: Final = URL("http://director")
_HEADERS: Final = ("Content-Type", "ETag", "Location", "Retry-After", "Allow", "X-Request-ID")
"""The headers of an answer that the client of this process gets."""


class UnreachableError(Exception):
    """The director does not answer. The message is the reason."""


class Answer:
    """A whole answer of the director. ``headers`` are passed to the client."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body


class Director:
    """The API of the director."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._session = aiohttp.ClientSession(
            connector=_DoorwayConnector(end),
            timeout=ClientTimeout(total=ANSWER_SECONDS_MAX),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            max_line_size=64 * 1024,
            max_field_size=64 * 1024,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answer:
        """Send a request with this raw path and query. Raises UnreachableError."""
        url = _ORIGIN.join(URL(path, encoded=True))
        try:
            async with self._session.request(
                method, url, headers=headers, data=body, allow_redirects=False
            ) as response:
                content = await _read(response)
        except TimeoutError:
            raise UnreachableError(
                f"the director has not answered within {ANSWER_SECONDS_MAX:g} s"
            ) from None
        except (aiohttp.ClientError, OSError) as error:
            raise UnreachableError(f"the director does not answer: {error}") from error
        passed = {name: response.headers[name] for name in _HEADERS if name in response.headers}
        return Answer(response.status, passed, content)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for piece in response.content.iter_chunked(1024 * 1024):
        content += piece
        if len(content) > ANSWER_BYTES_MAX:
            raise UnreachableError(f"the answer has more than {ANSWER_BYTES_MAX} bytes")
    return bytes(content)


class _DoorwayConnector(aiohttp.BaseConnector):
    """Opens connections to the director. It has no address, so there is nothing to resolve."""

    def __init__(self, end: socket.socket) -> None:
        super().__init__(limit=CONNECTIONS_MAX)
        self._end = end

    async def _create_connection(self, *_arguments: Any) -> Any:
        connection = doorway.open_connection(self._end)
        try:
            _, protocol = await asyncio.get_running_loop().create_connection(
                self._factory, sock=connection
            )
        except OSError as error:
            connection.close()
            raise aiohttp.ClientConnectionError(str(error)) from error
        return protocol
