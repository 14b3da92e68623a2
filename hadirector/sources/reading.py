"""Reads a source once: a file, a document over HTTP, or the addresses of a domain name."""

from __future__ import annotations

import asyncio
import os
import ssl
from typing import Final

import aiohttp
import dns.asyncresolver
import dns.exception
import dns.resolver

from hadirector import storage
from hadirector.model.discovery import Member, Source
from hadirector.sources.documents import (
    BYTES_MAX,
    DocumentError,
    check_member,
    read_document,
)

TOKEN_BYTES_MAX: Final = 16 * 1024
PIECE_BYTES: Final = 64 * 1024
_NOT_MODIFIED: Final = 304
_OK: Final = 200


class ReadingError(Exception):
    """A source cannot be read. The message is the reason."""


class Reader:
    """Reads one source, again and again.

    ``read`` returns None if the source answers that nothing has changed.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self._etag: str | None = None
        self._version: tuple[int, int, int] | None = None

    async def read(self) -> tuple[Member, ...] | None:
        """Return the members. Raises ReadingError."""
        try:
            async with asyncio.timeout(self.source.timeout):
                match self.source.type:
                    case "file":
                        return await self._read_file()
                    case "http":
                        return await self._read_url()
                    case "dns":
                        return await self._resolve()
        except TimeoutError:
            raise ReadingError(f"no answer within {self.source.timeout:g} s") from None
        except DocumentError as error:
            raise ReadingError(str(error)) from error

    def is_changed(self) -> bool:
        """Return whether a file is another one than at the latest reading. One system call."""
        try:
            return _version(os.stat(self.source.location)) != self._version
        except OSError:
            return self._version is not None

    async def _read_file(self) -> tuple[Member, ...]:
        try:
            return await asyncio.to_thread(self._load)
        except OSError as error:
            self._version = None
            raise ReadingError(error.strerror or str(error)) from error

    def _load(self) -> tuple[Member, ...]:
        with storage.open_regular_file(self.source.location) as file:
            self._version = _version(os.fstat(file.fileno()))
            return read_document(file.read(BYTES_MAX + 1), self.source.format)

    async def _read_url(self) -> tuple[Member, ...] | None:
        try:
            headers = await asyncio.to_thread(self._headers)
            async with aiohttp.ClientSession(auto_decompress=False) as session:
                return await self._request(session, headers)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise ReadingError(str(error) or type(error).__name__) from error

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if self._etag is not None:
            headers["If-None-Match"] = self._etag
        if self.source.token_file is not None:
            with storage.open_regular_file(self.source.token_file) as file:
                token = file.read(TOKEN_BYTES_MAX).decode("ascii").strip()
            headers["Authorization"] = f"Bearer {token}"
        return headers

    async def _request(
        self, session: aiohttp.ClientSession, headers: dict[str, str]
    ) -> tuple[Member, ...] | None:
        context = ssl.create_default_context(cafile=self.source.ca_file)
        # A redirection would carry the token elsewhere.
        async with session.get(
            self.source.location, headers=headers, ssl=context, allow_redirects=False
        ) as response:
            if response.status == _NOT_MODIFIED and self._etag is not None:
                return None
            if response.status != _OK:
                raise ReadingError(f"HTTP status {response.status}, expected 200")
            text = bytearray()
            async for piece in response.content.iter_chunked(PIECE_BYTES):
                text += piece
                if len(text) > BYTES_MAX:
                    raise ReadingError(f"the document has more than {BYTES_MAX} bytes")
            members = await asyncio.to_thread(read_document, bytes(text), self.source.format)
            self._etag = response.headers.get("ETag")
            return members

    async def _resolve(self) -> tuple[Member, ...]:
        """Return the addresses of a domain name. A name without addresses is a failure."""
        try:
            resolver = dns.asyncresolver.Resolver()
        except dns.exception.DNSException as error:
            raise ReadingError(str(error) or type(error).__name__) from error
        found: list[Member] = []
        for kind in ("A", "AAAA"):
            try:
                answer = await resolver.resolve(
                    self.source.location, kind, lifetime=self.source.timeout, search=False
                )
            except dns.resolver.NoAnswer:
                continue
            except dns.exception.DNSException as error:
                raise ReadingError(f"{kind}: {error}") from error
            found += [
                check_member(kind, Member(record.to_text(), self.source.port)) for record in answer
            ]
        if not found:
            raise ReadingError("the name has neither A nor AAAA records")
        return tuple(found)


def _version(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns
