"""Finds out what the scripts, files and processes that VRRP instances track are worth.

It all happens in the director, so that nothing here ever delays an advertisement: scripts as
processes of their own, one run of each at a time; files and processes in a thread, once a second.
A hanging file system holds up all files and processes; what was known of them stays known.
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
from hadirector.model.configuration import Configuration, TrackedScript
from vrrp.model.configuration import TrackedKey, TrackedKind
from vrrp.tracking.file import FileError, read_number
from vrrp.tracking.process import running

POLL_SECONDS = 1.0
HANGING_SECONDS = 10.0


class TrackedChanged(msgspec.Struct, frozen=True):
    """Tracked objects have these values now."""

    values: dict[TrackedKey, int]


class Tracking:
    """Watches what the configuration names, until `run` is cancelled."""

    def __init__(
        self, configuration: Configuration, tell: Callable[[TrackedChanged], Awaitable[None]]
    ) -> None:
        self._configuration = configuration
        self._tell = tell
        self._complaints: dict[str, str] = {}
        self._configured = asyncio.Event()
        self._log = structlog.get_logger()

    def configure(self, configuration: Configuration) -> None:
        """Watch what this configuration names from now on."""
        self._configuration = configuration
        self._configured.set()

    async def run(self) -> None:
        """Watch until cancelled."""
        watching: dict[TrackedScript, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            group.create_task(self._poll())
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
        """Run a script again and again; a run that takes longer delays the next."""
        loop = asyncio.get_running_loop()
        health = HealthTracker(tracked.timing.rise, tracked.timing.fall)
        while True:
            due = loop.time() + tracked.timing.interval
            ended = await run(tracked.script)
            if health.record(ended.succeeded):
                passing = health.verdict is Verdict.PASSING
                self._log.info(
                    "tracked_script_changed",
                    script=str(tracked.key),
                    passing=passing,
                    reason=ended.reason,
                    output=ended.output,
                )
                await self._tell(TrackedChanged({tracked.key: int(passing)}))
            await asyncio.sleep(max(0.0, due - loop.time()))

    async def _poll(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + POLL_SECONDS
            files, processes = self._names("file"), self._names("process")
            if files or processes:
                read = await self._patiently(_in_thread(partial(_read, files, processes)))
                self._complain(read.complaints)
                await self._tell(TrackedChanged(read.values))
            await asyncio.sleep(max(0.0, due - loop.time()))

    def _names(self, kind: TrackedKind) -> list[str]:
        instances = self._configuration.vrrp
        return sorted({name for each in instances for name in each.tracked(kind)})

    async def _patiently(self, reading: asyncio.Future[_Read]) -> _Read:
        """Wait however long it takes, and say so when it takes long."""
        await asyncio.wait((reading,), timeout=HANGING_SECONDS)
        if not reading.done():
            self._log.warning("tracked_files_hang", seconds=HANGING_SECONDS)
        return await reading

    def _complain(self, complaints: dict[str, str]) -> None:
        """Log what is wrong with a file once, until it is something else."""
        for path, words in complaints.items():
            if self._complaints.get(path) != words:
                self._log.warning("tracked_file_unusable", error=words)
        self._complaints = complaints


class _Read(NamedTuple):
    """The values read, and for each file without a number what is wrong with it, by path."""

    values: dict[TrackedKey, int]
    complaints: dict[str, str]


def _read(files: list[str], processes: list[str]) -> _Read:
    """Read all of them. A file without a number in it keeps the value it had."""
    values: dict[TrackedKey, int] = {}
    complaints: dict[str, str] = {}
    for path in files:
        try:
            values[TrackedKey("file", path)] = read_number(path)
        except FileError as error:
            complaints[path] = str(error)
    if processes:
        runs_by_name = running(processes)
        values |= {TrackedKey("process", name): int(runs) for name, runs in runs_by_name.items()}
    return _Read(values, complaints)


def _in_thread(work: Callable[[], _Read]) -> asyncio.Future[_Read]:
    """Do blocking work in a thread that may never come back, also when we want to end."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_Read] = loop.create_future()

    def deliver(read: _Read) -> None:
        if not done.done():
            done.set_result(read)

    def body() -> None:
        read = work()
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(deliver, read)

    threading.Thread(target=body, name="tracking", daemon=True).start()
    return done
