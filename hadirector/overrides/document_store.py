"""Keeps the accepted document of overrides on the disk, so that it is in force without its source.

The ends of its overrides are moments in UTC. So they hold over a reboot, and while the source is
down.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from time import monotonic
from typing import Final, Literal

import msgspec
import structlog

from hadirector import storage
from hadirector.overrides.document import Accepted, Layer, layer_of

FILE: Final = "document_overrides.json"


class _Stored(msgspec.Struct, frozen=True):
    version: Literal[1]
    accepted: Accepted


class DocumentStore:
    """The accepted document, and the overrides of it that are in force."""

    def __init__(self, state_directory: Path) -> None:
        self._path = state_directory / FILE
        self._log = structlog.get_logger()
        self.layer = _layer(self._read(), Layer())

    def update(self) -> Layer:
        """Look at the clock; return the overrides that were in force before."""
        before = self.layer
        self.layer = _layer(before.accepted, before)
        return before

    async def store(self, accepted: Accepted) -> Layer:
        """Store a document, and put it in force; return what was in force. Raises OSError."""
        before = self.layer
        if accepted != before.accepted:
            await asyncio.to_thread(storage.store_durably, self._path, _Stored(1, accepted))
        self.layer = _layer(accepted, before)
        return before

    async def clear(self) -> Layer:
        """Forget the document; return what was in force. Raises OSError."""
        before = self.layer
        await asyncio.to_thread(self._path.unlink, missing_ok=True)
        self.layer = Layer()
        return before

    def _read(self) -> Accepted | None:
        """Return the stored document. An unusable file is set aside."""
        try:
            found = storage.read(self._path, _Stored)
        except storage.StateError as error:
            aside = storage.set_aside(self._path)
            self._log.error("overrides_unusable", error=str(error), kept_as=str(aside))
            return None
        return None if found is None else found.accepted


def _layer(accepted: Accepted | None, before: Layer) -> Layer:
    utc = time.time()  # noqa: TID251  # the document has moments in UTC
    return layer_of(accepted, before, monotonic(), utc)
