"""Sets the configured connection timeouts of IPVS, and compares them at every pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import structlog

from hadirector.dataplane.dataplane import DataplaneError
from hadirector.model.ipvs import ConnectionTimeouts


class Kernel(Protocol):
    """The functions that read and set the timeouts (``hadirector.dataplane.ipvs.timeouts``)."""

    async def read(self) -> ConnectionTimeouts:
        """Read all timeouts. Raises DataplaneError."""

    async def write(self, timeouts: ConnectionTimeouts) -> None:
        """Set the timeouts that are not 0. Raises DataplaneError."""


class TimeoutReconciler:
    """Sets the configured timeouts, and does not change the others.

    ``kernel`` is called only if a timeout is configured.
    """

    def __init__(self, kernel: Callable[[], Kernel]) -> None:
        self.repaired = 0
        self.warnings: tuple[str, ...] = ()
        self._kernel = kernel
        self._settled: ConnectionTimeouts | None = None
        self._log = structlog.get_logger()

    async def reconcile(self, wanted: ConnectionTimeouts) -> None:
        """Compare and set the timeouts once.

        A failure causes a warning, and the next pass retries.
        """
        if wanted == ConnectionTimeouts():
            return
        try:
            actual = await self._kernel().read()
            if actual.overridden_by(wanted) != actual:
                await self._kernel().write(wanted)
                repair = self._settled == wanted
                self.repaired += repair
                event = "timeouts_repaired" if repair else "timeouts_set"
                log = self._log.warning if repair else self._log.info
                log(event, was=str(actual), now=str(actual.overridden_by(wanted)))
            self._settled = wanted
            self.warnings = ()
        except DataplaneError as error:
            warnings = (f"connection timeouts: {error}",)
            if warnings != self.warnings:
                self._log.error("timeouts_sync_failed", error=str(error))
            self.warnings = warnings
