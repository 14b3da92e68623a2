"""Writes summaries of directors to a store, and reads them."""

from __future__ import annotations

import math
from typing import Final
from urllib.parse import quote

from hadirector.model.fleet import SummaryStore
from hadirector.sources.errors import RequestError
from hadirector.sources.etcd_client import EtcdClient
from hadirector.sources.http_client import Access, HttpClient, Request

WRITTEN: Final = (200, 201, 202, 204)
_NOT_FOUND: Final = 404


class WebSummaries:
    """Summaries on a web server: each at the URL with the name of its director at the end."""

    def __init__(self, store: SummaryStore) -> None:
        self._http = HttpClient([store.url], store.timeout, Access(store.token_file, store.ca_file))

    async def write(self, name: str, text: bytes) -> None:
        """Write the summary of a director. Raises RequestError."""
        headers = {"Content-Type": "application/json"}
        await self._http.request(Request("PUT", _path(name), text, {}, headers, WRITTEN))

    async def read(self, name: str) -> bytes | None:
        """Return the summary of a director; None if there is none. Raises RequestError."""
        answer = await self._http.request(Request(path=_path(name), accepted=(200, _NOT_FOUND)))
        return None if answer.status == _NOT_FOUND else answer.body


class EtcdSummaries:
    """Summaries in etcd, each with a lease: etcd deletes it if its director writes no more."""

    def __init__(self, store: SummaryStore) -> None:
        access = Access(store.token_file, store.ca_file)
        self._client = EtcdClient([store.url], store.timeout, access)
        self._prefix = store.prefix
        self._seconds = math.ceil(store.lifetime)
        self._lease = 0

    async def write(self, name: str, text: bytes) -> None:
        """Write the summary of a director. Raises RequestError."""
        try:
            if not self._lease or not await self._client.keep_alive(self._lease):
                self._lease = await self._client.grant(self._seconds)
            await self._client.write(f"{self._prefix}{name}", text, lease=self._lease)
        except RequestError:
            self._lease = 0  # etcd may have lost it
            raise

    async def read(self, name: str) -> bytes | None:
        """Return the summary of a director; None if there is none. Raises RequestError."""
        found = await self._client.range(f"{self._prefix}{name}")
        return found.values[0].value if found.values else None


Summaries = WebSummaries | EtcdSummaries


def open_store(store: SummaryStore) -> Summaries:
    """Return the client of a store."""
    return EtcdSummaries(store) if store.type == "etcd" else WebSummaries(store)


def _path(name: str) -> str:
    return f"/{quote(name, '')}"
