"""Reads the values of the scripts, files and processes that VRRP instances track.

This runs in the director process, so that it cannot delay an advertisement. Scripts run as
processes; runs of the same script do not overlap. A thread reads files once a second. If a file
system hangs, the last values of all files stay in use. Processes have a thread of their own.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple

import msgspec
import structlog

from checks.definition.result import Verdict
from checks.scheduling.rise_fall import HealthTracker
from checks.script_runner.runner import run
from hadirector.election.tracked_processes import TrackedProcesses
from hadirector.model.configuration import Configuration, TrackedScript
from hadirector.runtime import signals
from vrrp.model.configuration import TrackedKey
from vrrp.tracking.file import FileError, read_number

POLL_SECONDS = 1.0
HANGING_SECONDS = 10.0


class TrackedChanged(msgspec.Struct, frozen=True):
    """Message: the tracked objects have these values now."""

    values: dict[TrackedKey, int]


class Tracking:
    """Watches the tracked scripts, files and processes of the configuration in the task `run`."""

    def __init__(
        self, configuration: Configuration, put_message: Callable[[TrackedChanged], Awaitable[None]]
    ) -> None:
        self._configuration = configuration
        self._put_message = put_message
        self._errors: dict[str, str] = {}
        self._configured = asyncio.Event()
        self._any_to_poll = asyncio.Event()
        self.processes = TrackedProcesses(configuration.tracked_processes, self._put_values)
        self._log = structlog.get_logger()

    def configure(self, configuration: Configuration) -> None:
        """Watch the tracked objects of this configuration from now on."""
        self._configuration = configuration
        self._configured.set()
        self._any_to_poll.set()
        self.processes.configure(configuration.tracked_processes)

    async def run(self) -> None:
        """Watch until cancelled."""
        watching: dict[TrackedScript, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            group.create_task(self._poll())
            group.create_task(self.processes.run())
            while True:
                self._configured.clear()
                scripts = self._configuration.tracked_scripts
                for script in watching.keys() - set(scripts):
                    watching.pop(script).cancel()
                for script in scripts:
                    if script not in watching:
                        watching[script] = group.create_task(self._watch(script))
                await self._configured.wait()

    async def _watch(self, tracked: TrackedScript) -> None:
        """Run a script once per interval. A run that takes longer delays the next run."""
        loop = asyncio.get_running_loop()
        health = HealthTracker(tracked.timing.rise, tracked.timing.fall)
        while True:
            due = loop.time() + tracked.timing.interval
            ended = await run(tracked.script)
            if health.record(ended.succeeded):
                passing = health.verdict is Verdict.PASSING
                log = self._log.info if passing else self._log.warning
                log(
                    "tracked_script_changed",
                    script=str(tracked.key),
                    passing=passing,
                    reason=ended.reason,
                    output=ended.output,
                )
                await self._put_message(TrackedChanged({tracked.key: int(passing)}))
            await asyncio.sleep(max(0.0, due - loop.time()))

    async def _put_values(self, values: dict[TrackedKey, int]) -> None:
        await self._put_message(TrackedChanged(values))

    async def _poll(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + POLL_SECONDS
            files = self._files()
            if not files:
                self._any_to_poll.clear()
                await self._any_to_poll.wait()
                continue
            read = await self._wait_for(_in_thread(partial(_read, files)))
            self._log_errors(read.errors)
            await self._put_values(read.values)
            await asyncio.sleep(max(0.0, due - loop.time()))

    def _files(self) -> list[str]:
        instances = self._configuration.vrrp
        return sorted({name for instance in instances for name in instance.tracked_names("file")})

    async def _wait_for(self, reading: asyncio.Future[_Read]) -> _Read:
        """Wait for a reading without a limit. Log a warning if it takes 10 s."""
        await asyncio.wait((reading,), timeout=HANGING_SECONDS)
        if not reading.done():
            self._log.warning("tracked_files_hang", seconds=HANGING_SECONDS)
        return await reading

    def _log_errors(self, errors: dict[str, str]) -> None:
        """Log each new error of a file once."""
        for path, error in errors.items():
            if self._errors.get(path) != error:
                self._log.warning("tracked_file_unusable", error=error)
        self._errors = errors


class _Read(NamedTuple):
    """The values of the tracked objects, and the error of each unusable file by its path."""

    values: dict[TrackedKey, int]
    errors: dict[str, str]


def _read(files: list[str]) -> _Read:
    """Read all files. A file with an error is not among the values."""
    values: dict[TrackedKey, int] = {}
    errors: dict[str, str] = {}
    for path in files:
        try:
            values[TrackedKey("file", path)] = read_number(path)
        except FileError as error:
            errors[path] = str(error)
    return _Read(values, errors)


def _in_thread(work: Callable[[], _Read]) -> asyncio.Future[_Read]:
    """Run blocking work in a daemon thread, which may hang without blocking the exit."""
    loop = asyncio.get_running_loop()
    result: asyncio.Future[_Read] = loop.create_future()

    def deliver(read: _Read) -> None:
        if not result.done():
            result.set_result(read)

    def body() -> None:
        signals.block()
        read = work()
        with contextlib.suppress(RuntimeError):  # the loop has been closed
            loop.call_soon_threadsafe(deliver, read)

    threading.Thread(target=body, name="tracking", daemon=True).start()
    return result
