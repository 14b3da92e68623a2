"""Reads a document over HTTP, at fixed times or when the server reports a change."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Final

from hadirector.model.discovery import Source
from hadirector.sources.contents import Content, read_content
from hadirector.sources.http_client import Access, HttpClient, Request

SPACING_SECONDS: Final = 0.2
"""The time between two requests to a server that reports changes."""
_OK, _NOT_MODIFIED = 200, 304


class UrlReader:
    """Reads one document, again and again."""

    def __init__(self, source: Source) -> None:
        self._source = source
        access = Access(source.token_file, source.ca_file)
        self._http = HttpClient([source.location], source.timeout, access)
        self._etag: str | None = None
        self.rest = source.poll

    async def read(self) -> Content | None:
        """Return the content; None if the server answers that nothing has changed.

        Raises RequestError and DocumentError.
        """
        began = monotonic()
        held = self._source.wait if self._etag is not None else 0.0
        headers = {}
        if self._etag is not None:
            headers["If-None-Match"] = self._etag
        if held:
            headers["Prefer"] = f"wait={held:.0f}"
        accepted = (_OK,) if self._etag is None else (_OK, _NOT_MODIFIED)
        answer = await self._http.request(Request(headers=headers, accepted=accepted, held=held))
        if answer.status == _NOT_MODIFIED:
            self.rest = self._rest(began, news=False)
            return None
        content = await asyncio.to_thread(read_content, answer.body, self._source)
        self._etag = answer.headers.get("etag")
        self.rest = self._rest(began, news=True)
        return content

    def _rest(self, began: float, *, news: bool) -> float:
        """Return the seconds until the next reading. This one began at that monotonic time.

        A server that holds requests is asked again at once. A server that answers an unchanged
        document at once does not hold requests.
        """
        lasted, wait = monotonic() - began, self._source.wait
        if not wait or self._etag is None or (not news and lasted < wait / 2):
            return self._source.poll
        return SPACING_SECONDS - lasted
