"""Puts the documents of overrides in force that a source yields."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final

import structlog

from hadirector.model.configuration import Configuration
from hadirector.model.discovery import OVERRIDES_FORMAT
from hadirector.model.override_document import OverrideDocument
from hadirector.overrides.document import Accepted, accept, find_refusal
from hadirector.overrides.store import OverrideStore
from hadirector.sources.messages import OverridesRead
from hadirector.sources.status import DocumentStatus

RETRY_SECONDS: Final = 5.0
"""The pause after a document that could not be stored."""


class DocumentOverrides:
    """Takes the latest document of the source of overrides.

    The accepted document stays in force, however long the source is silent. A document with an
    older revision waits until an operator accepts it.
    """

    def __init__(self, configuration: Configuration, store: OverrideStore) -> None:
        self._configuration = configuration
        self._store = store
        self._latest: OverridesRead | None = None
        self._confirmed: OverrideDocument | None = None  # an operator accepted its older revision
        self._refusal = ""
        self._news = asyncio.Event()
        self._news.set()
        self._log = structlog.get_logger()

    def configure(self, configuration: Configuration) -> None:
        """Replace the configuration, after the store has got it."""
        self._configuration = configuration
        if self._latest is not None and self._latest.source != self._source:
            self._latest, self._confirmed, self._refusal = None, None, ""
        self._news.set()

    @property
    def _source(self) -> str | None:
        """The name of the source of overrides, None without such a source."""
        if self._configuration.observing:
            return None
        found = (e.name for e in self._configuration.sources if e.format == OVERRIDES_FORMAT)
        return next(found, None)

    def note(self, message: OverridesRead) -> None:
        """Note a document, which ``run`` takes."""
        if message.source == self._source:
            self._latest = message
            self._news.set()

    def accept(self, source: str) -> int | None:
        """Take the latest document although its revision is older; return its length.

        Return None if no document of this source was read.
        """
        if self._latest is None or self._latest.source != source:
            return None
        self._confirmed = self._latest.document
        self._news.set()
        return len(self._latest.document.overrides)

    async def run(self) -> None:
        """Take the documents, until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                await self._take()
            except OSError as error:
                self._log.error("document_not_stored", reason=str(error))
                await asyncio.sleep(RETRY_SECONDS)
                self._news.set()

    def status(self, source: str) -> DocumentStatus | None:
        """Return the state of the document of a source; None if it has none."""
        accepted = self._store.accepted_document
        if source != self._source:
            return None
        if accepted is None or accepted.source != source:
            return DocumentStatus(None, 0, 0, self._refusal)
        document = accepted.document
        return DocumentStatus(
            document.revision, len(document.overrides), len(accepted.released), self._refusal
        )

    async def _take(self) -> None:
        source, latest = self._source, self._latest
        if source is None:
            await self._store.take_document(lambda _: None)
        elif latest is not None:
            await self._store.take_document(partial(self._decide, source, latest.document))
            if not self._refusal and self._confirmed == latest.document:
                self._confirmed = None  # the permission was for once

    def _decide(
        self, source: str, document: OverrideDocument, before: Accepted | None
    ) -> Accepted | None:
        """Return the document to put in force: this one, or still the one before."""
        announcement = self._configuration.announce
        refusal = find_refusal(
            None if self._confirmed == document else before,
            source,
            document,
            self._configuration.virtual_servers,
            () if announcement is None else announcement.addresses,
        )
        self._note_refusal(refusal)
        return before if refusal else accept(before, source, document)

    def _note_refusal(self, refusal: str) -> None:
        """Log a refusal once."""
        if refusal and refusal != self._refusal:
            self._log.warning("document_refused", source=self._source, reason=refusal)
        self._refusal = refusal
