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

from checks.result import Verdict
from hadirector import state
from hadirector.health import Health
from hadirector.model import Configuration
from hadirector.override import RealServerName
from hadirector.pools import Pools

FILE: Final = "history.json"
VERSION: Final = 1
WRITE_SECONDS: Final = 1.0
AGE_SECONDS_MAX: Final = 3600.0
"""What is older changes no weight: the longest slow start and window are as long."""
BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class Record(msgspec.Struct, frozen=True):
    """The content of the file. Times are monotonic seconds, so it is good for one ``boot``.

    ``admitted`` is since when real servers serve that start slowly, by VS/RS. ``falls`` is when
    targets began to fail, and ``weights`` what percentages they asked for, by check identity;
    ``failing`` are those that failed last.
    """

    boot: str
    version: int = VERSION
    admitted: dict[str, float] = {}
    falls: dict[str, tuple[float, ...]] = {}
    weights: dict[str, int] = {}
    failing: tuple[str, ...] = ()


class History:
    """Reads the record of the run before, and writes that of this one."""

    def __init__(self, directory: Path, health: Health, pools: Pools) -> None:
        self._path = directory / FILE
        self._health = health
        self._pools = pools
        self._log = structlog.get_logger()
        self._boot = BOOT_ID.read_text().strip() if BOOT_ID.exists() else ""
        self._written = Record(self._boot)

    def adopt(self, configuration: Configuration) -> dict[RealServerName, float]:
        """Let health know what it knew; returns since when real servers serve.

        What failed is taken for failing where a server would otherwise serve before its first
        probe; all others are in the table of the kernel, or wait for a pass.
        """
        record, health = self._read(), self._health
        self._written = record
        early = {
            each.check.identity
            for server in configuration.virtual_servers
            for each in (server.real_servers if server.initially_up else ())
            if each.check is not None
        }
        for identity in early.intersection(record.failing):
            health.verdicts.setdefault(identity, Verdict.FAILING)
        health.falls.update(record.falls)
        health.weights.update(record.weights)
        health.configure(configuration, {})  # forgets the targets that are no more
        parts = ((name.partition("/"), at) for name, at in record.admitted.items())
        return {RealServerName(server, name): at for (server, _, name), at in parts}

    async def run(self) -> None:
        """Write what changes until cancelled."""
        while True:
            await asyncio.sleep(WRITE_SECONDS)
            self.write()

    def write(self) -> None:
        """Write what has changed since; a failure is logged, and met again the next time."""
        record = self._record()
        if record == self._written:
            return
        try:
            state.store(self._path, record)
        except OSError as error:
            self._log.error("history_not_written", error=str(error))
        else:
            self._written = record

    def _read(self) -> Record:
        try:
            record = state.read(self._path, Record)
        except state.StateError as error:
            self._log.error("history_unusable", error=str(error))
            record = None
        if record is None or (record.version, record.boot) != (VERSION, self._boot):
            return Record(self._boot)
        return record

    def _record(self) -> Record:
        health, oldest = self._health, monotonic() - AGE_SECONDS_MAX
        return Record(
            self._boot,
            admitted={
                str(name): at for name, at in self._pools.admissions().items() if at > oldest
            },
            falls={k: each for k, each in health.falls.items() if each and each[-1] > oldest},
            weights=dict(health.weights),
            failing=tuple(sorted(k for k, v in health.verdicts.items() if v is Verdict.FAILING)),
        )
