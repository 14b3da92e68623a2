"""Stores the configurations that a director has used, in its state directory.

``configurations/archive.json`` is the list, and ``configurations/HASH.text`` are the texts. The
texts may contain passwords, so only the user of the director can read the directory.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from time import monotonic
from typing import Final

import structlog

from hadirector import storage
from hadirector.director.configurations.file import hash_text, read_text
from hadirector.overrides.expiry import Moment
from hadirector.reload.archive import Archive

DIRECTORY: Final = "configurations"
FILE: Final = "archive.json"
SUFFIX: Final = ".text"


class ArchiveStore:
    """The archive on disk. All methods block, and only one caller at a time may use them."""

    def __init__(self, state_directory: Path) -> None:
        self.state_directory = state_directory
        self._directory = state_directory / DIRECTORY
        self._log = structlog.get_logger()
        self.archive = self._read()

    def text(self, sha256: str) -> bytes | None:
        """Return a stored text, or None if it is missing or damaged."""
        text = read_text(self._directory / f"{sha256}{SUFFIX}")
        return text if text is not None and hash_text(text) == sha256 else None

    def store(self, archive: Archive, *texts: bytes) -> None:
        """Store new texts, then the list, durably. Then delete the texts that are not in the list.

        Raises OSError. The former list then stays valid.
        """
        self._directory.mkdir(mode=0o700, exist_ok=True)
        for text in texts:
            sha256 = hash_text(text)
            if self.text(sha256) is None:
                storage.store_bytes_durably(self._directory / f"{sha256}{SUFFIX}", text)
        storage.store_durably(self._directory / FILE, archive)
        self.archive = archive
        for path in self._directory.glob(f"*{SUFFIX}"):
            if path.stem not in archive.hashes:
                with contextlib.suppress(OSError):  # removed with the next change
                    path.unlink()

    def _read(self) -> Archive:
        """Return the stored list. An unusable file is set aside."""
        path = self._directory / FILE
        try:
            return storage.read(path, Archive) or Archive()
        except storage.StateError as error:
            aside = storage.set_aside(path)
            self._log.error("archive_unusable", error=str(error), kept_as=str(aside))
            return Archive()


def present_moment() -> Moment:
    """Return the current time on the wall clock and on the monotonic clock."""
    utc = time.time()  # noqa: TID251  # written to a file that outlives the boot
    return Moment(storage.boot_id(), utc, monotonic())
