"""Decides which tracked processes are up, by the numbers of running processes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping

import structlog

from hadirector.election.lasting_state import LastingState
from hadirector.election.process_counter import ProcessCounter, Report
from vrrp.model.configuration import TrackedKey
from vrrp.model.tracked_process import ProcessPattern, TrackedProcess

Put = Callable[[dict[TrackedKey, int]], Awaitable[None]]


class TrackedProcesses:
    """Watches the tracked processes of the configuration in the task `run`.

    ``polling`` is why the kernel reports no process events, or None.
    """

    def __init__(self, processes: tuple[TrackedProcess, ...], put_values: Put) -> None:
        self._processes = processes
        self._put_values = put_values
        self._states: dict[TrackedProcess, LastingState] = {}
        self._counter: ProcessCounter | None = None
        self._patterns: frozenset[ProcessPattern] = frozenset()
        self._counts: Mapping[ProcessPattern, int] = {}
        self._changed = asyncio.Event()
        self._log = structlog.get_logger()
        self._error: str | None = None
        self._crash: Exception | None = None
        self.polling: str | None = None

    def configure(self, processes: tuple[TrackedProcess, ...]) -> None:
        """Watch these processes from now on."""
        self._processes = processes
        self._changed.set()

    async def run(self) -> None:
        """Watch until cancelled. Raises the exception of a thread that has crashed."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                self._changed.clear()
                if self._crash is not None:
                    raise self._crash
                self._count(loop)
                await self._judge(loop.time())
                due = [state.due for state in self._states.values() if state.due is not None]
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(min(due, default=None)):
                        await self._changed.wait()
        finally:
            self._stop()

    def _count(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start another counter if the patterns have changed. Without patterns, count nothing."""
        patterns = frozenset(process.pattern for process in self._processes)
        if patterns == self._patterns:
            return
        self._stop()
        self._patterns = patterns
        if not patterns:
            return

        def report(found: Report | Exception) -> None:  # the thread may call it at once
            with contextlib.suppress(RuntimeError):  # the loop has been closed
                loop.call_soon_threadsafe(self._note, patterns, found)

        self._counter = ProcessCounter(patterns, report)

    def _stop(self) -> None:
        if self._counter is not None:
            self._counter.close()
        self._counter = None
        self._counts = {}
        self.polling = None

    def _note(self, patterns: frozenset[ProcessPattern], found: Report | Exception) -> None:
        """Use a report of the thread that counts ``patterns``, unless it has been replaced."""
        if patterns is not self._patterns:
            return
        if isinstance(found, Exception):
            self._crash = found
            self._changed.set()
            return
        if found.error is not None and found.error != self._error:
            self._log.warning("processes_unreadable", reason=found.error)
        self._error = found.error
        if found.polling is not None and found.polling != self.polling:
            self._log.info("process_events_unavailable", reason=found.polling)
        self.polling = found.polling
        if found.error is None:
            self._counts = found.counts
            self._changed.set()

    async def _judge(self, now: float) -> None:
        """Send the values that have changed. A process without a count has no value yet."""
        self._states = {
            process: self._states.get(process) or LastingState(process.up_delay, process.down_delay)
            for process in self._processes
        }
        values = {}
        for process, state in self._states.items():
            count = self._counts.get(process.pattern)
            if count is not None and state.observe(up=process.is_enough(count), now=now):
                values[process.key] = int(bool(state.up))
                log = self._log.info if state.up else self._log.warning
                log("tracked_process_changed", process=str(process.key), up=state.up, count=count)
        if values:
            await self._put_values(values)
