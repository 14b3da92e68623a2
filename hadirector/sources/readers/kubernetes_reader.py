"""Reads the EndpointSlices of a service from the API of Kubernetes: a list, then a watch."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Final

from hadirector.model.discovery import Member, Source
from hadirector.sources.documents import Slice, read_slices
from hadirector.sources.errors import RequestError
from hadirector.sources.http_client import Access, HttpClient, Request
from hadirector.sources.kubernetes_messages import (
    SLICES_MAX,
    ExpiredError,
    WatchedSlices,
    apply_event,
    read_page,
)
from hadirector.sources.readers.pace import rest_after_watch

PAGE_SLICES: Final = 100
WATCH_SECONDS: Final = 55
SILENCE_SECONDS: Final = 60.0
"""The server ends a watch before this time, so a longer silence is a lost connection."""
BURST_SECONDS: Final = 0.02
"""Events that come together are one change."""
_GONE: Final = 410


class KubernetesReader:
    """Reads the slices of one service, again and again."""

    def __init__(self, source: Source) -> None:
        self._source = source
        access = Access(source.token_file, source.ca_file)
        self._http = HttpClient([source.location], source.timeout, access)
        self._path = f"/apis/discovery.k8s.io/v1/namespaces/{source.namespace}/endpointslices"
        self._selector = {"labelSelector": f"kubernetes.io/service-name={source.service}"}
        self._known: WatchedSlices | None = None
        self.rest = 0.0

    async def read(self) -> tuple[Member, ...] | None:
        """Wait for a change after the first reading; return the members, None without a change.

        Raises RequestError and DocumentError.
        """
        began = monotonic()
        # After a failure, the list is read again.
        known, self._known = self._known, None
        if known is not None:
            try:
                watched = await self._watch(known)
            except ExpiredError:
                pass
            else:
                if watched.slices is known.slices:
                    self._known = watched
                    self.rest = rest_after_watch(began, news=False)
                    return None
                self.rest = rest_after_watch(began, news=True)
                return await self._take(watched)
        self.rest = rest_after_watch(began, news=False)
        return await self._take(await self._list())

    async def _take(self, found: WatchedSlices) -> tuple[Member, ...]:
        slices = [found.slices[name] for name in sorted(found.slices)]
        source = self._source
        members = await asyncio.to_thread(read_slices, slices, source.port_name, source.family)
        self._known = found
        return members

    async def _list(self) -> WatchedSlices:
        slices: dict[str, Slice] = {}
        rest = ""
        for _ in range(SLICES_MAX // PAGE_SLICES):
            parameters = {**self._selector, "limit": str(PAGE_SLICES)}
            if rest:
                parameters["continue"] = rest
            answer = await self._http.request(Request(path=self._path, parameters=parameters))
            page = await asyncio.to_thread(read_page, answer.body)
            slices |= {each.metadata.name: each for each in page.items}
            rest = page.metadata.rest
            if not rest:
                return WatchedSlices(slices, page.metadata.version)
        raise RequestError(f"more than {SLICES_MAX} EndpointSlices")

    async def _watch(self, known: WatchedSlices) -> WatchedSlices:
        """Return the slices after the first changes, or as they are when the watch ends."""
        parameters = {
            **self._selector,
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": known.version,
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        until = monotonic() + SILENCE_SECONDS
        watched = known
        try:
            async with self._http.open(Request(path=self._path, parameters=parameters)) as stream:
                while (left := until - monotonic()) > 0:
                    changed = watched.slices is not known.slices
                    line = await stream.line(BURST_SECONDS if changed else left)
                    if line is None:
                        break
                    watched = apply_event(watched, line)
        except RequestError as error:
            if error.status == _GONE:
                raise ExpiredError from error
            raise
        return watched
