"""The snapshot: the state that the director stores for its next start.

``snapshot.json`` is in the same directory as ``owned.json``. After changes, it is written once a
second. A killed director loses the changes of up to one second. This affects only how fast a weight
grows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

import msgspec
import structlog
from msgspec.structs import replace

from hadirector import storage
from hadirector.health.target import TargetsSnapshot
from hadirector.model.notification import Word
from hadirector.pools.adoption import PoolsSnapshot

FILE: Final = "snapshot.json"
VERSION: Final = 1
WRITE_SECONDS: Final = 1.0

PreviousRun = Literal["none", "stopped", "crashed"]
"""How the previous run in this boot ended. ``none`` means that there is no usable snapshot."""


class Snapshot(msgspec.Struct, frozen=True):
    """The content of the file. Its times are monotonic, so it is valid during one ``boot`` only.

    ``stopped`` is whether the run ended by an orderly stop. ``told`` is, for each object, the
    state for which its notify scripts ran last. ``frozen`` are the targets that a pause holds.
    """

    boot: str = ""
    version: int = VERSION
    stopped: bool = True
    pools: PoolsSnapshot = PoolsSnapshot()
    targets: TargetsSnapshot = TargetsSnapshot()
    told: dict[str, Word] = {}
    frozen: TargetsSnapshot | None = None


class SnapshotStore:
    """Reads the snapshot of the previous run, and writes the snapshots of this run."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE
        self._log = structlog.get_logger()
        self._boot = storage.boot_id()
        self._written = Snapshot(self._boot)
        self._changed = asyncio.Event()
        self.previous_run: PreviousRun = "none"

    def read(self) -> Snapshot:
        """Return the snapshot of the previous run, or an empty snapshot if this boot has none.

        The verdicts of an orderly stop are valid only for the next start, so they are
        removed from the file. The file also records from now on that a run has begun. The
        next start derives ``previous_run`` from it: whether this run has stopped or
        crashed.
        """
        found = self._read()
        if found is not None:
            self.previous_run = "stopped" if found.stopped else "crashed"
            self._written = found
        snapshot = found or Snapshot(self._boot)
        self.write(replace(snapshot, stopped=False, targets=replace(snapshot.targets, verdicts={})))
        return snapshot

    def note_change(self) -> None:
        """Record that the state may differ from the last snapshot, so that `run` writes it."""
        self._changed.set()

    async def run(self, take: Callable[[], Snapshot]) -> None:
        """Take and write a snapshot after changes, at most once a second, until cancelled."""
        while True:
            await self._changed.wait()
            await asyncio.sleep(WRITE_SECONDS)
            self._changed.clear()
            self.write(take())

    def write(self, snapshot: Snapshot) -> None:
        """Write a snapshot if it differs from the file. A failure is logged and retried later."""
        snapshot = replace(snapshot, boot=self._boot)
        if snapshot == self._written:
            return
        try:
            storage.store(self._path, snapshot)
        except OSError as error:
            self._changed.set()
            self._log.error("snapshot_not_written", error=str(error))
        else:
            self._written = snapshot

    def _read(self) -> Snapshot | None:
        """Return the content of the file, None if it is missing, unusable or of another boot."""
        try:
            snapshot = storage.read(self._path, Snapshot)
        except storage.StateError as error:
            self._log.error("snapshot_unusable", error=str(error))
            snapshot = None
        if snapshot is None or (snapshot.version, snapshot.boot) != (VERSION, self._boot):
            return None
        return snapshot
