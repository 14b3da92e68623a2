"""What has become of real servers lately, kept for the next run in a file of its own.

``history.json`` lies beside ``owned.json``. It is written once a second while anything in it
changes: a director that is killed loses a second of it, and no more than how fast a weight grows.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import monotonic
from typing import Final

import msgspec
import structlog
from msgspec.structs import replace

from checks.definition.result import Verdict
from hadirector import storage
from hadirector.director.pools import Past, Pools
from hadirector.health.verdicts import Health
from hadirector.model.configuration import Configuration

FILE: Final = "history.json"
VERSION: Final = 1
WRITE_SECONDS: Final = 1.0
AGE_SECONDS_MAX: Final = 3600.0
"""Older failures change no weight: the longest window is as long."""


class Snapshot(msgspec.Struct, frozen=True):
    """The content of the file. Times are monotonic seconds, so it is good for one ``boot``.

    ``failures`` is when targets began to fail, and ``weights`` what percentages they asked for, by
    check identity;
    ``failing`` are those that failed last. ``verdicts`` are those of all targets, only when it is
    written at the end of a run: what is a second old is not trusted so far.
    """

    boot: str
    version: int = VERSION
    pools: Past = Past()
    failures: dict[str, tuple[float, ...]] = {}
    weights: dict[str, int] = {}
    failing: tuple[str, ...] = ()
    verdicts: dict[str, Verdict] = {}


class SnapshotStore:
    """Reads the snapshot of the run before, and writes that of this one."""

    def __init__(self, directory: Path, health: Health, pools: Pools) -> None:
        self._path = directory / FILE
        self._health = health
        self._pools = pools
        self._log = structlog.get_logger()
        self._boot = storage.boot_id()
        self._written = Snapshot(self._boot)

    def adopt(self, configuration: Configuration) -> Past:
        """Let health know what it knew; returns what the pools are to know.

        It knows verdicts by the kernel's table, where one at weight 0 looks as if it had failed: at
        the end of a run it was known better. One that failed is taken for failing where it would
        otherwise serve before its first probe.
        """
        snapshot, health = self._read(), self._health
        self._written = snapshot
        early = {
            each.check.identity
            for server in configuration.virtual_servers
            for each in (server.real_servers if server.initially_up else ())
            if each.check is not None
        }
        for identity in early.intersection(snapshot.failing):
            health.verdicts.setdefault(identity, Verdict.FAILING)
        for identity in health.verdicts.keys() & snapshot.verdicts.keys():
            health.verdicts[identity] = snapshot.verdicts[identity]
            if snapshot.verdicts[identity] is Verdict.UNKNOWN:
                del health.verdicts[identity]
        health.failures.update(snapshot.failures)
        health.weights.update(snapshot.weights)
        health.configure(configuration, {})  # forgets the targets that are no more
        if snapshot.verdicts:
            self._store(replace(snapshot, verdicts={}))  # from now on it is not true for long
        return snapshot.pools

    async def run(self) -> None:
        """Write what changes until cancelled."""
        while True:
            await asyncio.sleep(WRITE_SECONDS)
            self.write()

    def write(self, *, final: bool = False) -> None:
        """Write what has changed since; a failure is logged, and met again the next time.

        ``final`` says that nothing will change any more.
        """
        snapshot = self._snapshot()
        if final:
            snapshot = replace(snapshot, verdicts=self._health.known())
        if snapshot != self._written:
            self._store(snapshot)

    def _store(self, snapshot: Snapshot) -> None:
        try:
            storage.store(self._path, snapshot)
        except OSError as error:
            self._log.error("snapshot_not_written", error=str(error))
        else:
            self._written = snapshot

    def _read(self) -> Snapshot:
        try:
            snapshot = storage.read(self._path, Snapshot)
        except storage.StateError as error:
            self._log.error("snapshot_unusable", error=str(error))
            snapshot = None
        if snapshot is None or (snapshot.version, snapshot.boot) != (VERSION, self._boot):
            return Snapshot(self._boot)
        return snapshot

    def _snapshot(self) -> Snapshot:
        health, oldest = self._health, monotonic() - AGE_SECONDS_MAX
        return Snapshot(
            self._boot,
            pools=self._pools.past(),
            failures={k: each for k, each in health.failures.items() if each and each[-1] > oldest},
            weights=dict(health.weights),
            failing=tuple(sorted(k for k, v in health.verdicts.items() if v is Verdict.FAILING)),
        )
