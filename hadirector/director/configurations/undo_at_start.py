"""Undoes an unconfirmed configuration at a start, before the director reads its file.

The time for the confirmation may have ended while no director ran. The unconfirmed configuration
may even be the reason why no director could run.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import NamedTuple

import structlog

from hadirector.director.configurations.file import (
    hash_text,
    marked_state_directory,
    read_text,
    replace_text,
    unmark_pending,
)
from hadirector.director.configurations.store import ArchiveStore, present_moment
from hadirector.reload.archive import AtStart, Origin, add, decide_at_start, end_confirmation

REASON = "the configuration was not confirmed in time, and no director ran at the deadline"


class Undone(NamedTuple):
    """The configuration that was undone at the start, or the reason why it could not be undone."""

    number: int
    reason: str
    failed: bool = False

    def report(self) -> None:
        """Log the event."""
        log = structlog.get_logger()
        if self.failed:
            log.error("configuration_not_undone", reason=self.reason)
        else:
            log.warning("configuration_undone", number=self.number, actor="", reason=self.reason)


def undo_overdue(file: Path) -> Undone | None:
    """Restore the previous configuration file if the time for a confirmation is over. Blocks.

    Do nothing if another director uses the same state directory.
    """
    directory = marked_state_directory(file)
    if directory is None or (lock := _lock(directory)) is None:
        return None
    try:
        return _undo(file, ArchiveStore(directory))
    except OSError as error:
        return Undone(0, f"{error.filename or file}: {error.strerror}", failed=True)
    finally:
        os.close(lock)


def _undo(file: Path, store: ArchiveStore) -> Undone | None:
    archive, pending, undone = store.archive, store.archive.pending, None
    found = read_text(file)
    decision = decide_at_start(archive, hash_text(found or b""), present_moment())
    previous = None if pending is None else archive.find(pending.previous)
    if decision is AtStart.UNDO and pending is not None and previous is not None:
        text = store.text(previous.content.sha256)
        if text is None:
            reason = f"the text of configuration {previous.number} is missing or damaged"
            return Undone(pending.number, reason, failed=True)
        replace_text(file, text)
        origin = Origin(present_moment().utc, "undone", "", REASON)
        store.store(add(end_confirmation(archive), previous.content, origin))
        undone = Undone(pending.number, REASON)
    if store.archive.pending is None:
        unmark_pending(file)
    return undone


def _lock(directory: Path) -> int | None:
    """Lock the state directory as a running director does; None if that is not possible."""
    try:
        descriptor = os.open(directory / "lock", os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
