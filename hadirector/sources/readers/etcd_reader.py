"""Reads a source in etcd: its keys as a whole, and again when a watch reports a change."""

from __future__ import annotations

import asyncio
import contextlib
from time import monotonic

from hadirector.model.discovery import Source
from hadirector.sources.contents import Content, read_content
from hadirector.sources.documents import read_values
from hadirector.sources.errors import ReadingError
from hadirector.sources.etcd_client import CompactedError, EtcdClient
from hadirector.sources.etcd_messages import RangeAnswer
from hadirector.sources.http_client import Access
from hadirector.sources.readers.pace import rest_after_watch


class EtcdReader:
    """Reads one key, or the keys below a prefix, again and again."""

    def __init__(self, source: Source) -> None:
        self._source = source
        access = Access(source.token_file, source.ca_file)
        self._client = EtcdClient([source.location], source.timeout, access)
        self._key = source.key or source.prefix or ""
        self._has_prefix = source.key is None
        self._revision: int | None = None
        self.rest = 0.0

    async def read(self) -> Content:
        """Wait for a change after the first reading; return the content.

        The keys are read again after each change and each minute, so a lost or misread change has
        no lasting effect. Raises RequestError, ReadingError and DocumentError.
        """
        began, news = monotonic(), False
        # After a failure, the keys are read without a watch: etcd may have an older state.
        revision, self._revision = self._revision, None
        if revision is not None:
            with contextlib.suppress(CompactedError):
                changes = await self._client.watch(
                    self._key, after=revision, prefix=self._has_prefix
                )
                news = bool(changes.events)
        found = await self._client.range(self._key, prefix=self._has_prefix)
        content = await asyncio.to_thread(self._content, found)
        self._revision = found.header.revision
        self.rest = rest_after_watch(began, news=news)
        return content

    def _content(self, found: RangeAnswer) -> Content:
        if self._has_prefix:
            return read_values(
                (each.key.decode("utf-8", "replace"), each.value) for each in found.values
            )
        if not found.values:
            raise ReadingError(f"the key {self._key} does not exist")
        return read_content(found.values[0].value, self._source)
