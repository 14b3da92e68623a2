"""Sends requests to HTTP servers, with limits on time and size, and without redirections."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

import aiohttp
import msgspec

from hadirector import storage
from hadirector.sources.errors import RequestError

BYTES_MAX: Final = 4 * 1024 * 1024
"""The size of an answer, and of a line of a stream."""
TOKEN_BYTES_MAX: Final = 16 * 1024
SHOWN_MAX: Final = 200
PIECE_BYTES: Final = 64 * 1024
_OK: Final = 200


class Request(NamedTuple):
    """A request. ``path`` comes after the URL of the server.

    A status that is not ``accepted`` is an error. The server may hold the request for ``held``
    seconds before its answer.
    """

    method: str = "GET"
    path: str = ""
    body: bytes | None = None
    parameters: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    accepted: Sequence[int] = (_OK,)
    held: float = 0.0


class Answer(NamedTuple):
    """An answer with its status, 200 or an accepted one. The names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Access(NamedTuple):
    """The secrets for a server, by their files.

    The token is in the header ``header``, after the word ``scheme``. Without a ``ca_file``, the
    certificates that the host trusts are trusted.
    """

    token_file: str | None = None
    ca_file: str | None = None
    header: str = "Authorization"
    scheme: str = "Bearer "


NO_ACCESS: Final = Access()


class HttpClient:
    """Sends requests to one of several equal servers, and after a failure to the next one.

    Each request has a connection of its own, so an old connection never spoils a new request. The
    token is read for each request. The certificates are read again after a failure.
    """

    def __init__(self, urls: Sequence[str], timeout: float, access: Access = NO_ACCESS) -> None:
        self._urls = tuple(urls)
        self._timeout = timeout
        self._access = access
        self._place = 0
        self._trust: ssl.SSLContext | None = None

    async def request(self, request: Request) -> Answer:
        """Return the answer, whose body must end within the timeout. Raises RequestError."""
        async with self.open(request) as stream:
            return Answer(stream.status, stream.headers, await stream.rest())

    @asynccontextmanager
    async def open(self, request: Request) -> AsyncIterator[Stream]:
        """Send a request, and yield the answer before its body is read. Raises RequestError."""
        url = self._urls[self._place]
        if request.path:
            url = url.rstrip("/") + request.path
        longest = self._timeout + request.held
        try:
            async with _session(self._timeout) as session:
                async with asyncio.timeout(longest):
                    headers = await self._headers(request)
                    trust = await self._trust_context(url)
                    # A redirection would carry the token elsewhere.
                    response = await session.request(
                        request.method,
                        url,
                        data=request.body,
                        params=request.parameters,
                        headers=headers,
                        ssl=trust,
                        allow_redirects=False,
                    )
                async with response:
                    stream = Stream(response, self._timeout)
                    if response.status not in request.accepted:
                        raise await _refusal(stream, request.accepted)
                    yield stream
        except TimeoutError as error:
            self._turn()
            raise RequestError(str(error) or f"no answer within {longest:g} s") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            self._turn()
            raise RequestError(str(error) or type(error).__name__) from error
        except RequestError:
            self._turn()
            raise

    def _turn(self) -> None:
        """Go on with the next server, and read the certificates again."""
        self._place = (self._place + 1) % len(self._urls)
        self._trust = None

    async def _headers(self, request: Request) -> dict[str, str]:
        sent = {"Accept": "application/json", "Accept-Encoding": "identity", **request.headers}
        if self._access.token_file is not None:
            token = await asyncio.to_thread(_read_token, self._access.token_file)
            sent[self._access.header] = self._access.scheme + token
        return sent

    async def _trust_context(self, url: str) -> ssl.SSLContext | bool:
        if not url.startswith("https://"):
            return True
        if self._trust is None:
            self._trust = await asyncio.to_thread(
                ssl.create_default_context, cafile=self._access.ca_file
            )
        return self._trust


class Stream:
    """The body of an answer, whole or line by line."""

    def __init__(self, response: aiohttp.ClientResponse, timeout: float) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.headers.items()}
        self._content = response.content
        self._timeout = timeout
        self._buffer = bytearray()
        self._searched = 0
        self._ended = False

    async def rest(self) -> bytes:
        """Return the whole body, which must end within the timeout. Raises RequestError."""
        async with asyncio.timeout(self._timeout):
            async for piece in self._content.iter_chunked(PIECE_BYTES):
                self._buffer += piece
                self._limit()
        return bytes(self._buffer)

    async def line(self, within: float) -> bytes | None:
        """Return the next line; None if none begins within this time, or if the stream has ended.

        A line that has begun must end within the timeout. Raises RequestError.
        """
        loop = asyncio.get_running_loop()
        started = loop.time()
        idle_until = started + within
        line_until = started + self._timeout
        while True:
            if (line := self._take_line()) is not None:
                return line
            if self._ended:
                return None
            begun = bool(self._buffer)
            try:
                async with asyncio.timeout_at(line_until if begun else idle_until):
                    piece = await self._content.readany()
            except TimeoutError:
                if begun:
                    raise RequestError(f"a line did not end within {self._timeout:g} s") from None
                return None
            self._ended = not piece
            if not begun:
                line_until = loop.time() + self._timeout
            self._buffer += piece

    @property
    def has_ended(self) -> bool:
        """Whether the server has ended the stream."""
        return self._ended

    def _take_line(self) -> bytes | None:
        """Take a complete line from the buffer."""
        end = self._buffer.find(b"\n", self._searched)
        if end < 0:
            self._searched = len(self._buffer)
            self._limit()
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._searched = 0
        return line

    def _limit(self) -> None:
        if len(self._buffer) > BYTES_MAX:
            raise RequestError(f"the answer has more than {BYTES_MAX} bytes")


def _read_token(path: str) -> str:
    with storage.open_regular_file(path) as file:
        return file.read(TOKEN_BYTES_MAX).decode("ascii").strip()


def _session(timeout: float) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(force_close=True),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=timeout),
        cookie_jar=aiohttp.DummyCookieJar(),
    )


class _Explanation(msgspec.Struct):
    """The error in an answer of etcd or Kubernetes."""

    message: str = ""


async def _refusal(stream: Stream, accepted: Sequence[int]) -> RequestError:
    """Return the error for an answer with another status, with its explanation if it has one."""
    expected = " or ".join(str(each) for each in accepted)
    reason = f"HTTP status {stream.status}, expected {expected}"
    try:
        explanation = msgspec.json.decode(await stream.rest(), type=_Explanation)
    except (RequestError, OSError, aiohttp.ClientError, msgspec.DecodeError, RecursionError):
        return RequestError(reason, stream.status)
    shown = "".join(each if each.isprintable() else " " for each in explanation.message)
    return RequestError(f"{reason}: {shown[:SHOWN_MAX]}" if shown else reason, stream.status)
