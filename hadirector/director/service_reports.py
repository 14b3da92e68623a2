"""Reports the state of the director to the service manager: systemd, for example.

The reports have the form of sd_notify(3). READY: the IPVS table is written and the elections have
begun. STATUS: one line about the instances and the targets. WATCHDOG: the vrrp process answers.
RELOADING and STOPPING: a reload and a stop have begun.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator
from time import monotonic, monotonic_ns
from typing import Final

from checks.definition.result import Verdict
from hadirector.director.parts import Parts
from hadirector.runtime.service_manager import ServiceManager

READY_SECONDS_MAX: Final = 30.0
"""After this time the director reports READY even if its elections have not begun. Otherwise
systemd would stop a director that forwards traffic and waits, for example, for its first verdicts.
"""
STARTING_SECONDS: Final = 0.2
"""The time between two looks while the director is not ready."""
REPORT_SECONDS: Final = 5.0
SILENCE_SECONDS_MAX: Final = 10.0
"""The vrrp process sends heartbeats. After this time without a message it does not answer."""
STOP_SECONDS_MAX: Final = 30.0
"""The time that a stop with a handover may take."""


class ServiceReports:
    """Reports to a service manager. Without one, it does nothing."""

    def __init__(self, manager: ServiceManager | None, parts: Parts) -> None:
        self._manager = manager
        self._parts = parts
        self._ready = False
        self._status = ""

    async def run(self) -> None:
        """Report until the task is cancelled."""
        if self._manager is None:
            return
        began = monotonic()
        watchdog = self._manager.watchdog_seconds
        pause = REPORT_SECONDS if watchdog is None else min(REPORT_SECONDS, watchdog / 3)
        while True:
            assignments = [*self._changes(monotonic() - began)]
            if watchdog is not None and self._vrrp_answers():
                assignments.append("WATCHDOG=1")
            if assignments:
                self._manager.send(*assignments)
            await asyncio.sleep(pause if self._ready else min(pause, STARTING_SECONDS))

    @contextlib.contextmanager
    def reload(self) -> Iterator[None]:
        """Report a reload during the context."""
        if self._manager is None or not self._ready:
            yield
            return
        self._manager.send("RELOADING=1", f"MONOTONIC_USEC={monotonic_ns() // 1000}")
        try:
            yield
        finally:
            self._manager.send("READY=1")

    def report_stop(self, *, restarting: bool) -> None:
        """Report that the director stops, or that a new program replaces it."""
        if self._manager is None:
            return
        if restarting:
            self._manager.send("STATUS=restarting with a new program")
        else:
            announcement = self._parts.configuration.announce
            hold = 0.0 if announcement is None else announcement.hold.most
            extension = f"EXTEND_TIMEOUT_USEC={int((STOP_SECONDS_MAX + hold) * 1e6)}"
            self._manager.send("STOPPING=1", extension, "STATUS=handing over and stopping")

    def _changes(self, age: float) -> Iterator[str]:
        """Return the assignments that have changed. ``age`` is the time since the start."""
        if not self._ready and (self._serves() or age > READY_SECONDS_MAX):
            self._ready = True
            yield "READY=1"
        if (status := self._describe()) != self._status:
            self._status = status
            yield f"STATUS={status}"

    def _serves(self) -> bool:
        """Return whether the table is written and the elections have begun."""
        parts = self._parts
        return parts.fitness.table is not None and (
            parts.election.begun or not parts.configuration.vrrp
        )

    def _vrrp_answers(self) -> bool:
        return not self._parts.configuration.vrrp or (
            self._parts.election.child.silence < SILENCE_SECONDS_MAX
        )

    def _describe(self) -> str:
        """Return one line: the states of the instances, passing targets, and why it is unfit."""
        parts = self._parts
        states: dict[str, list[str]] = {}
        for instance, state in sorted(parts.election.states.items()):
            states.setdefault(state.name, []).append(instance)
        pieces = [f"{name} for {', '.join(names[:5])}" for name, names in states.items()]
        verdicts = Counter(target.verdict for target in parts.health.targets.values())
        if verdicts:
            pieces.append(f"{verdicts[Verdict.PASSING]} of {verdicts.total()} targets pass")
        fitness = parts.fitness.current
        if reason := fitness.held_out or ", ".join(fitness.reasons):
            pieces.append(reason)
        return "; ".join(pieces)
