"""Reads the instances of a service from Consul, with blocking queries."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Final

from hadirector.model.discovery import Member, Source
from hadirector.sources.consul_messages import next_index, read_health
from hadirector.sources.http_client import Access, HttpClient, Request

WAIT_SECONDS: Final = 55
HELD_SECONDS: Final = WAIT_SECONDS * 17 / 16
"""Consul adds up to a sixteenth to the time of a blocking query."""
SPACING_SECONDS: Final = 1.0
"""At most one request in this time."""


class ConsulReader:
    """Reads the instances of one service, again and again."""

    def __init__(self, source: Source) -> None:
        access = Access(source.token_file, source.ca_file, header="X-Consul-Token", scheme="")
        self._http = HttpClient([source.location], source.timeout, access)
        self._path = f"/v1/health/service/{source.service}"
        self._index = 0
        self.rest = 0.0

    async def read(self) -> tuple[Member, ...]:
        """Wait for a change after the first reading; return the members.

        Raises RequestError and DocumentError.
        """
        began = monotonic()
        index, self._index = self._index, 0  # after a failure, the answer comes at once
        parameters = {"index": str(index), "wait": f"{WAIT_SECONDS}s"} if index else {}
        held = HELD_SECONDS if index else 0.0
        request = Request(path=self._path, parameters=parameters, held=held)
        answer = await self._http.request(request)
        members = await asyncio.to_thread(read_health, answer.body)
        self._index = next_index(index, answer.headers.get("x-consul-index", ""))
        self.rest = SPACING_SECONDS - (monotonic() - began)
        return members
