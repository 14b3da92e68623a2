"""Starts and stops the threads of the IPVS sync daemon, to match the wanted threads."""

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
    """The functions that read, start and stop threads (`dataplane.ipvs.sync_threads`)."""

    async def read(self) -> dict[SyncRole, SyncSettings]:
        """Return the running threads of the sync daemon. Raises DataplaneError."""

    async def perform(self, operation: StartThread | StopThread) -> None:
        """Start or stop a thread of the sync daemon. Raises DataplaneError."""


class SyncDaemonReconciler:
    """Keeps the wanted threads running, and does not change foreign threads.

    ``kernel`` is called only if there is a wanted or owned thread. ``remember`` stores the
    owned threads. It is called before a thread is started.
    """

    def __init__(
        self,
        kernel: Callable[[], Kernel],
        owned: Mapping[SyncRole, SyncSettings],
        remember: Callable[[Threads], None],
    ) -> None:
        self.repaired = 0
        self.running: tuple[str, ...] = ()
        self.foreign: tuple[str, ...] = ()
        self.missing: tuple[str, ...] = ()
        self.warnings: tuple[str, ...] = ()
        self._kernel = kernel
        self._owned = dict(owned)
        self._remember = remember
        self._settled: Threads | None = None
        self._log = structlog.get_logger()

    async def reconcile(self, wanted: Threads) -> None:
        """Start and stop threads once. A failure causes a warning, and the next pass retries.

        Without wanted threads, the owned threads are stopped and are no longer owned.
        """
        if not wanted and not self._owned:
            self.missing = ()
            return
        repair = wanted == self._settled
        self._settled = None
        try:
            warnings = await self._pass(wanted, repair=repair)
            if not warnings:
                self._settled = wanted
                self._own(self._owned if wanted else {})
        except DataplaneError as error:
            warnings = (f"sync daemon: {error}",)
            self.missing = tuple(describe_thread(role, wanted[role]) for role in wanted)
        for warning in warnings:
            if warning not in self.warnings:
                self._log.error("sync_daemon_sync_failed", error=warning)
        self.warnings = warnings

    async def _pass(self, wanted: Threads, *, repair: bool) -> tuple[str, ...]:
        actual = await self._kernel().read()
        foreign = foreign_threads(actual, wanted, self._owned)
        warnings = [
            f"sync daemon {describe_thread(role, wanted[role])} cannot run while a foreign thread"
            f" has the role: {describe_thread(role, foreign[role])}"
            for role in foreign.keys() & wanted.keys()
        ]
        adopted = actual.keys() & wanted.keys() - foreign.keys() - self._owned.keys()
        self._own({**self._owned, **{role: wanted[role] for role in adopted}})
        for operation in thread_operations(actual, wanted, self._owned):
            try:
                await self._perform(operation)
            except DataplaneError as error:
                warnings.append(f"sync daemon {operation.role}: {error}")
                break  # a thread that could not be stopped cannot start with other settings
            self.repaired += repair
            event = "sync_daemon_repaired" if repair else "sync_daemon_changed"
            started = isinstance(operation, StartThread)
            log = self._log.warning if repair else self._log.info
            log(event, role=operation.role.value, running=started)
        self._describe(await self._kernel().read(), foreign, wanted)
        return tuple(warnings)

    async def _perform(self, operation: StartThread | StopThread) -> None:
        if isinstance(operation, StartThread):
            self._own({**self._owned, operation.role: operation.settings})
        await self._kernel().perform(operation)

    def _describe(self, actual: Threads, foreign: Threads, wanted: Threads) -> None:
        threads = {role: describe_thread(role, settings) for role, settings in actual.items()}
        self.foreign = tuple(text for role, text in threads.items() if role in foreign)
        self.running = tuple(text for role, text in threads.items() if role not in foreign)
        self.missing = tuple(
            describe_thread(role, wanted[role])
            for role in wanted
            if role in foreign or role not in actual
        )

    def _own(self, owned: dict[SyncRole, SyncSettings]) -> None:
        """Remember these threads as owned."""
        if owned != self._owned:
            self._remember(owned)
            self._owned = owned
