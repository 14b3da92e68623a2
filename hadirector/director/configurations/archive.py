"""Holds the archive of a running director, and its pending configuration."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import structlog

from hadirector.director.configurations.file import hash_text, unmark_pending
from hadirector.director.configurations.store import ArchiveStore, present_moment
from hadirector.reload.archive import (
    Archive,
    ArchivedConfiguration,
    AtStart,
    Content,
    How,
    Origin,
    Pending,
    add,
    decide_at_start,
    end_confirmation,
)

NEXT_STEPS: Final = "confirm it (hadirector confirm) or undo it (hadirector rollback) first"


class ConfigurationArchive:
    """The archive, for the tasks of the director. One task at a time may change it.

    If the running configuration cannot be stored, it stays in memory until the director ends.
    """

    def __init__(self, file: Path, state_directory: Path, text: bytes | None) -> None:
        self.changed = asyncio.Event()
        self._file = file
        self._text = text
        self._store = ArchiveStore(state_directory)
        self._log = structlog.get_logger()

    @property
    def kept(self) -> Archive:
        """All archived configurations."""
        return self._store.archive

    @property
    def state_directory(self) -> Path:
        """The directory of the archive."""
        return self._store.state_directory

    @property
    def running(self) -> ArchivedConfiguration | None:
        """The running configuration; None if its file could not be read for the archive."""
        return self.kept.running

    @property
    def pending(self) -> Pending | None:
        """The configuration that waits for its confirmation."""
        return self.kept.pending

    async def text(self, number: int) -> bytes | None:
        """Return the text of a configuration, or None if the archive does not have it."""
        found = self.kept.find(number)
        return (
            None
            if found is None
            else await asyncio.to_thread(self._store.text, found.content.sha256)
        )

    async def begin(self) -> None:
        """Archive the configuration with which the director has started."""
        if self._text is None:
            return
        text, self._text = self._text, None
        if decide_at_start(self.kept, hash_text(text), present_moment()) is AtStart.FORGET:
            await self._note(end_confirmation(self.kept), text, Origin(_now(), "start", ""))
            await self.unmark()
        else:
            await self.note(text, "start", "")

    async def note(self, text: bytes, how: How, actor: str) -> None:
        """Archive a text that is now in use. A failure is only logged."""
        await self._note(self.kept, text, Origin(_now(), how, actor))

    async def _note(self, archive: Archive, text: bytes, origin: Origin) -> None:
        changed = add(archive, describe_content(text), origin)
        if changed == self.kept:
            return
        try:
            await self.store(changed, text)
        except OSError as error:
            self._store.archive = changed
            self._log.error("configuration_not_archived", error=str(error))

    async def store(self, archive: Archive, *texts: bytes) -> None:
        """Store a changed list and new texts. Raises OSError, and changes nothing."""
        await asyncio.to_thread(self._store.store, archive, *texts)
        self.changed.set()

    async def unmark(self) -> None:
        """Remove the link beside the configuration file. A failure is only logged."""
        try:
            await asyncio.to_thread(unmark_pending, self._file)
        except OSError as error:
            self._log.error("configuration_link_not_removed", error=str(error))

    def pending_fault(self, text: bytes | None) -> str | None:
        """Return why this text must not be loaded while another one is pending, or None."""
        pending = self.pending
        applied = None if pending is None else self.kept.find(pending.number)
        if pending is None or applied is None:
            return None
        if text is not None and hash_text(text) == applied.content.sha256:
            return None
        seconds = max(0.0, pending.remaining(present_moment()))
        return f"configuration {applied.number} is undone in {seconds:.0f} s: {NEXT_STEPS}"


def describe_content(text: bytes) -> Content:
    """Return the description of a configuration text for the list of the archive."""
    return Content(hash_text(text), len(text))


def _now() -> float:
    return present_moment().utc
