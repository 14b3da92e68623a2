"""Keeps whether the store of the fleet takes the summaries of this director."""

from __future__ import annotations

from time import monotonic

import structlog

from hadirector.model.fleet import SummaryStore
from hadirector.sources.messages import SummaryWritten
from hadirector.sources.status import PublicationStatus


class Publication:
    """The outcome of the latest attempt, and since when attempts fail."""

    def __init__(self) -> None:
        self._failure = ""
        self._failing_since: float | None = None
        self._written_at: float | None = None
        self._log = structlog.get_logger()

    def note(self, message: SummaryWritten) -> None:
        """Note the outcome of an attempt. A failure and its end are logged once."""
        now = monotonic()
        if message.failure:
            if self._failing_since is None:
                self._failing_since = now
                self._log.warning("summary_not_written", reason=message.failure)
            self._failure = message.failure
            return
        if self._failing_since is not None:
            self._log.info("summary_written_again", after=round(now - self._failing_since, 1))
        self._failure, self._failing_since, self._written_at = "", None, now

    def status(self, store: SummaryStore | None) -> PublicationStatus | None:
        """Return the state; None without a store."""
        if store is None:
            return None
        now, since = monotonic(), self._failing_since
        return PublicationStatus(
            store.url,
            None if self._written_at is None else now - self._written_at,
            self._failure,
            None if since is None else now - since,
        )
