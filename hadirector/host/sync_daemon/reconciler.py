"""Keeps the sync daemon as it should be: read, compare, stop and start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import structlog

from hadirector.dataplane.dataplane import DataplaneError
from hadirector.host.sync_daemon.rules import (
    Threads,
    describe_thread,
    foreign_threads,
    thread_operations,
)
from hadirector.model.ipvs import StartThread, StopThread, SyncRole, SyncSettings


class Kernel(Protocol):
    """What runs, and the way to change it (``hadirector.dataplane.ipvs.sync_threads``)."""

    async def read(self) -> dict[SyncRole, SyncSettings]:
        """Read which threads run. Raises DataplaneError."""

    async def perform(self, operation: StartThread | StopThread) -> None:
        """Start or stop a thread. Raises DataplaneError."""


class SyncDaemonReconciler:
    """Makes the wanted threads run, and leaves alone the ones that are not ours.

    ``kernel`` is asked for only when there is something to keep.
    ``remember`` is called with the threads that are ours before one is started; it has stored them
    when it returns. It may raise OSError.
    """

    def __init__(
        self,
        kernel: Callable[[], Kernel],
        ours: Mapping[SyncRole, SyncSettings],
        remember: Callable[[Threads], None],
    ) -> None:
        self.repaired = 0
        self.running: tuple[str, ...] = ()
        self.foreign: tuple[str, ...] = ()
        self.warnings: tuple[str, ...] = ()
        self._kernel = kernel
        self._ours = dict(ours)
        self._remember = remember
        self._settled: Threads | None = None
        self._log = structlog.get_logger()

    async def reconcile(self, wanted: Threads) -> None:
        """Make one pass. What fails is warned of, and met again by the next pass.

        When nothing is wanted any more, what was ours is stopped and forgotten.
        """
        if not wanted and not self._ours:
            return
        repair = wanted == self._settled
        self._settled = None
        try:
            warnings = await self._pass(wanted, repair=repair)
            if not warnings:
                self._settled = wanted
                self._own(self._ours if wanted else {})
        except (DataplaneError, OSError) as error:
            warnings = (f"sync daemon: {error}",)
        for each in warnings:
            if each not in self.warnings:
                self._log.error("sync_daemon_sync_failed", error=each)
        self.warnings = warnings

    async def _pass(self, wanted: Threads, *, repair: bool) -> tuple[str, ...]:
        actual = await self._kernel().read()
        foreign = foreign_threads(actual, wanted, self._ours)
        warnings = [
            f"sync daemon {describe_thread(role, wanted[role])} cannot run while a foreign thread"
            f" has the role: {describe_thread(role, foreign[role])}"
            for role in foreign.keys() & wanted.keys()
        ]
        adopted = actual.keys() & wanted.keys() - foreign.keys() - self._ours.keys()
        self._own({**self._ours, **{role: wanted[role] for role in adopted}})
        for operation in thread_operations(actual, wanted, self._ours):
            try:
                await self._change(operation)
            except (DataplaneError, OSError) as error:
                warnings.append(f"sync daemon {operation.role}: {error}")
                break  # a thread that does not stop is not started with other settings
            self.repaired += repair
            event = "sync_daemon_repaired" if repair else "sync_daemon_changed"
            started = isinstance(operation, StartThread)
            self._log.info(event, role=operation.role.value, running=started)
        actual = await self._kernel().read()
        left = {role: actual[role] for role in foreign.keys() & actual.keys()}
        self.foreign = tuple(describe_thread(role, settings) for role, settings in left.items())
        self.running = tuple(
            describe_thread(*each) for each in actual.items() if each[0] not in left
        )
        return tuple(warnings)

    async def _change(self, operation: StartThread | StopThread) -> None:
        if isinstance(operation, StartThread):
            self._own({**self._ours, operation.role: operation.settings})
        await self._kernel().perform(operation)

    def _own(self, ours: dict[SyncRole, SyncSettings]) -> None:
        """Have these threads remembered as ours. Raises OSError."""
        if ours != self._ours:
            self._remember(ours)
            self._ours = ours
