"""Starts, watches and ends the processes of the demo. Each process has a name."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

STOP_SECONDS_MAX = 10.0
LINE_BYTES_MAX = 1 << 20


class ProcessesError(Exception):
    """A process ended unexpectedly. The message has the end of its output."""


class _Process(NamedTuple):
    running: asyncio.subprocess.Process
    reading: asyncio.Task[None]


class Processes:
    """Starts each process in a session of its own, so that it can be killed with its children.

    The output of a process goes to ``NAME.log`` in ``directory``, and each line goes to a
    callback until the process is stopped or killed. ``on_end`` is called with the name and
    status of a process that ends without ``stop`` or ``kill``.
    """

    def __init__(self, directory: Path, on_end: Callable[[str, int], None]) -> None:
        self._directory = directory
        self._on_end = on_end
        self._processes: dict[str, _Process] = {}

    async def __aenter__(self) -> Self:
        """Return this object. Processes are started by `start`."""
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Stop all processes in parallel."""
        await asyncio.gather(*(self.stop(name) for name in list(self._processes)))

    async def start(self, name: str, command: Sequence[str], on_line: Callable[[str], None]) -> int:
        """Start a process and return its pid."""
        running = await asyncio.create_subprocess_exec(
            *_end_with_parent(),
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            limit=LINE_BYTES_MAX,
        )
        reading = asyncio.create_task(self._read_output(name, running, on_line))
        self._processes[name] = _Process(running, reading)
        return running.pid

    async def kill(self, name: str) -> None:
        """Kill a process and all its children at the same time, with SIGKILL."""
        process = self._processes.pop(name)
        _kill_session(process.running.pid)
        await process.reading

    async def stop(self, name: str) -> None:
        """Stop a process with SIGTERM, and after 10 s with SIGKILL."""
        process = self._processes.pop(name)
        with contextlib.suppress(ProcessLookupError):
            process.running.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS_MAX):
                await asyncio.shield(process.reading)
        except TimeoutError:
            _kill_session(process.running.pid)
            await process.reading

    def last_lines(self, name: str, count: int = 12) -> str:
        """Return the last lines of the output of a process."""
        log = self._directory / f"{name}.log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-count:])

    async def _read_output(
        self, name: str, running: asyncio.subprocess.Process, on_line: Callable[[str], None]
    ) -> None:
        assert running.stdout is not None
        with (self._directory / f"{name}.log").open("ab", buffering=0) as log:
            async for line in running.stdout:
                log.write(line)
                if name in self._processes:
                    on_line(line.decode(errors="replace").rstrip("\n"))
        status = await running.wait()
        if name in self._processes:
            self._on_end(name, status)


def python(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module with this interpreter."""
    return [sys.executable, "-m", module, *arguments]


def _end_with_parent() -> list[str]:
    """Return a command that ends a process if the demo is killed (PR_SET_PDEATHSIG, prctl(2))."""
    return ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []


def _kill_session(pid: int) -> None:
    """Kill the process group of a session leader, which contains all its children."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
