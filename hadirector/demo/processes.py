"""The demo's processes: started by name, heard line by line, killed, and all ended at the end."""

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
    """A process did not start or ended by itself. The message has the end of what it said."""


class _Process(NamedTuple):
    running: asyncio.subprocess.Process
    listening: asyncio.Task[None]


class Processes:
    """Starts each process in a session of its own, so that it can be killed with its children.

    What a process writes goes to ``NAME.log`` in ``directory`` and line by line to a callback.
    ``ended`` is called with a name when a process ends that nobody has ended here. What is said by
    one that is being ended goes to its log alone.
    """

    def __init__(self, directory: Path, ended: Callable[[str, int], None]) -> None:
        self._directory = directory
        self._ended = ended
        self._processes: dict[str, _Process] = {}

    async def __aenter__(self) -> Self:
        """Nothing is started yet."""
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """End all processes, side by side."""
        await asyncio.gather(*(self.stop(name) for name in list(self._processes)))

    async def start(self, name: str, command: Sequence[str], heard: Callable[[str], None]) -> int:
        """Start a process and return its pid."""
        running = await asyncio.create_subprocess_exec(
            *_dying_with_us(),
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            limit=LINE_BYTES_MAX,
        )
        listening = asyncio.create_task(self._listen(name, running, heard))
        self._processes[name] = _Process(running, listening)
        return running.pid

    async def kill(self, name: str) -> None:
        """Kill a process and all its children in the same instant, with SIGKILL."""
        process = self._processes.pop(name)
        _kill_session(process.running.pid)
        await process.listening

    async def stop(self, name: str) -> None:
        """End a process with SIGTERM; what is left of it after 10 s with SIGKILL."""
        process = self._processes.pop(name)
        with contextlib.suppress(ProcessLookupError):
            process.running.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS_MAX):
                await asyncio.shield(process.listening)
        except TimeoutError:
            _kill_session(process.running.pid)
            await process.listening

    def last_lines(self, name: str, count: int = 12) -> str:
        """The end of what a process has written."""
        log = self._directory / f"{name}.log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-count:])

    async def _listen(
        self, name: str, running: asyncio.subprocess.Process, heard: Callable[[str], None]
    ) -> None:
        assert running.stdout is not None
        with (self._directory / f"{name}.log").open("ab", buffering=0) as log:
            async for line in running.stdout:
                log.write(line)
                if name in self._processes:
                    heard(line.decode(errors="replace").rstrip("\n"))
        status = await running.wait()
        if name in self._processes:
            self._ended(name, status)


def python(module: str, *arguments: str) -> list[str]:
    """The command that runs one of our modules with this interpreter."""
    return [sys.executable, "-m", module, *arguments]


def _dying_with_us() -> list[str]:
    """End the processes even if the demo is killed with SIGKILL (PR_SET_PDEATHSIG in prctl(2))."""
    return ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []


def _kill_session(pid: int) -> None:
    """Kill a session leader's process group: our processes do not leave it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
