"""Runs a child process, exchanges messages with it, and restarts it after a crash."""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Generic, TypeVar

import msgspec
import structlog

from hadirector import __version__
from hadirector.processes import channel
from hadirector.processes.channel import Channel, ChannelError, ChannelFullError
from hadirector.processes.handoff import AdoptedProcess, Handoff
from hadirector.processes.messages import Heartbeat
from hadirector.runtime import signals
from hadirector.runtime.interpreter import PYTHON_MODULE
from vrrp.model.report import State

HEARTBEAT_SECONDS = 5.0
SILENCE_ALARM_SECONDS = 3.0
SILENCE_KILL_SECONDS = 10.0
BACKOFF_SECONDS = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
SETTLED_SECONDS = 30.0
_MARGIN_SECONDS = 0.01
"""Added to a limit of silence, so that the limit has passed at the time of the wake-up."""

Incoming = TypeVar("Incoming")
Inheritance = Callable[[], AbstractContextManager[Sequence[int]]]
"""Returns the descriptors that a new process inherits, while it is started."""
Process = asyncio.subprocess.Process | AdoptedProcess


class ChildStarted(msgspec.Struct, frozen=True):
    """Message: a child process is running and waits for its configuration."""

    name: str


class ChildDied(msgspec.Struct, frozen=True):
    """Message: a child process has ended without an order to stop."""

    name: str


class Child(Generic[Incoming]):
    """Runs a child process, and restarts it after a crash.

    The first restart is immediate. Further restarts follow after growing pauses of up to 30 s. A
    child that ran for 30 s resets the pauses. ``report`` is awaited with ``ChildStarted`` after the
    first message of a new process, with every message of the process, and with ``ChildDied`` when
    the process ended without an order. ``inheritance`` returns the descriptors that a new process
    inherits besides its channel, in a context that ends when the process has been started.
    """

    def __init__(
        self,
        name: str,
        module: str,
        incoming: Any,
        report: Callable[[Any], Awaitable[None]],
        inheritance: Inheritance = lambda: contextlib.nullcontext(()),
    ) -> None:
        self.name = name
        self.restarts = 0
        self.version = ""  # of the program of the process
        self._module = module
        self._incoming = incoming
        self._report = report
        self._inheritance = inheritance
        self._process: Process | None = None
        self._adopted: tuple[Process, Channel[Incoming]] | None = None
        self._handed_off = False
        self._channel: Channel[Incoming] | None = None
        self._last_message_at = 0.0
        self._stop = asyncio.Event()
        self._log = structlog.get_logger().bind(process=name)

    @property
    def pid(self) -> int | None:
        """The process id; None while no process runs."""
        return None if self._process is None else self._process.pid

    @property
    def silence(self) -> float:
        """The seconds since the last message of the running process; infinite if none runs."""
        if self._process is None:
            return math.inf
        return asyncio.get_running_loop().time() - self._last_message_at

    async def run(self) -> None:
        """Run the child, and restart it, until it ends after ``stop``."""
        failures = 0
        loop = asyncio.get_running_loop()
        # An order to finish may precede the first pass: an adopted process must still execute it.
        while not self._stop.is_set() or self._adopted is not None:
            started_at = loop.time()
            try:
                status: int | str = await self._run_once()
            except OSError as error:
                status = f"could not be started: {error}"
            if self._stop.is_set():
                log = self._log.error if status else self._log.info
                log("process_stopped", status=status)
                return
            failures = 0 if loop.time() - started_at > SETTLED_SECONDS else failures
            pause = BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)]
            failures += 1
            self.restarts += 1
            self._log.error("process_died", status=status, restart_in=pause)
            await self._report(ChildDied(self.name))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stop.wait()

    def send(self, message: msgspec.Struct) -> bool:
        """Send a message to the child. Return False if no process runs or it does not read.

        The caller need not send the message again: a process gets its whole configuration
        after a start, and a process that does not read is soon killed because it sends no
        heartbeat.
        """
        if self._channel is None:
            return False
        try:
            self._channel.send(message)
        except ChannelFullError as error:
            self._log.warning("process_does_not_read", error=str(error))
            return False
        return True

    def stop(self, order: msgspec.Struct) -> None:
        """Order the child to stop, or kill it if it does not read.

        ``run`` returns when it has ended.
        """
        self._stop.set()
        if not self.send(order):
            self.kill()

    def adopt(self, handoff: Handoff) -> None:
        """Use a process that is already running, instead of starting the first one."""
        self._adopted = self._take_over(handoff)

    def hand_off(self, states: dict[str, State]) -> Handoff | None:
        """Return the description of the running process for the program that replaces this program.

        Return None if no process runs or it does not read. Cancel ``run`` afterwards.
        """
        if self._process is None or self._channel is None:
            return None
        descriptor = self._channel.duplicate()
        if descriptor is None:
            return None
        self._handed_off = True
        return Handoff(self._process.pid, descriptor, states, self.version)

    def kill(self) -> None:
        """End the running process with SIGKILL."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def _run_once(self) -> int:
        adopted, self._adopted = self._adopted, None
        try:
            return await self._attend(*(adopted or await self._start()))
        finally:
            if self._channel is not None:
                self._channel.close()
            self._channel = self._process = None

    async def _start(self) -> tuple[Process, Channel[Incoming]]:
        ours, theirs = channel.pair()
        # Set this before the process starts, so that messages wait for it in the channel.
        current: Channel[Incoming] = Channel(ours, self._incoming)
        self._channel = current
        with theirs:
            self._process = process = await self._spawn(theirs)
        self.version = __version__
        self._log.info("process_started", pid=process.pid)
        return process, current

    def _take_over(self, handoff: Handoff) -> tuple[Process, Channel[Incoming]]:
        ours = socket.socket(fileno=handoff.descriptor)
        current: Channel[Incoming] = Channel(ours, self._incoming)
        self._channel = current
        self._process = process = AdoptedProcess(handoff.pid)
        self.version = handoff.version
        self._log.info("process_adopted", pid=handoff.pid, version=handoff.version)
        return process, current

    async def _spawn(self, end: socket.socket) -> asyncio.subprocess.Process:
        # A signal to the whole process group must not end the child before it ignores signals. The
        # child inherits the blocked signals. Signals to this process are delivered later.
        signals.block()
        try:
            with self._inheritance() as more:
                descriptors = [end.fileno(), *more]
                return await asyncio.create_subprocess_exec(
                    *PYTHON_MODULE,
                    "hadirector.processes",
                    self._module,
                    *map(str, descriptors),
                    pass_fds=descriptors,
                    stdin=asyncio.subprocess.DEVNULL,
                )
        finally:
            signals.unblock()

    async def _attend(self, process: Process, current: Channel[Incoming]) -> int:
        """Receive messages until the channel ends, and wait for the end of the process.

        This also happens after a cancellation, except after a handoff.
        """
        self._last_message_at = asyncio.get_running_loop().time()
        in_touch = asyncio.create_task(self._keep_in_touch())
        try:
            await self._receive(current)
        finally:
            in_touch.cancel()
            current.close()
            status = 0 if self._handed_off else await self._wait_for_end(process)
        return status

    async def _receive(self, current: Channel[Incoming]) -> None:
        started = False
        try:
            while (message := await current.receive()) is not None:
                self._last_message_at = asyncio.get_running_loop().time()
                if not started:
                    started = True
                    await self._report(ChildStarted(self.name))
                if not isinstance(message, Heartbeat):
                    await self._report(message)
        except ChannelError as error:
            self._log.error("process_protocol_error", error=str(error))

    async def _wait_for_end(self, process: Process) -> int:
        """Wait for the end of a process whose channel has ended; kill it after 10 s."""
        try:
            async with asyncio.timeout(SILENCE_KILL_SECONDS):
                return await process.wait()
        except TimeoutError:
            self.kill()
            return await process.wait()

    async def _keep_in_touch(self) -> None:
        """Send heartbeats, and kill a child that sends nothing. Wake up only when either is due."""
        alarmed = False
        loop = asyncio.get_running_loop()
        heartbeat_at = loop.time()
        while True:
            if loop.time() >= heartbeat_at:
                self.send(Heartbeat())
                heartbeat_at = loop.time() + HEARTBEAT_SECONDS
            limit = SILENCE_KILL_SECONDS if alarmed else SILENCE_ALARM_SECONDS
            due = min(heartbeat_at, self._last_message_at + limit + _MARGIN_SECONDS)
            await asyncio.sleep(due - loop.time())
            # A delay of this loop is no silence of the child.
            self._last_message_at += max(0.0, loop.time() - due)
            silence = loop.time() - self._last_message_at
            if silence > SILENCE_KILL_SECONDS:
                self._log.error("process_hangs", silence=round(silence, 1))
                self.kill()
                return
            if silence > SILENCE_ALARM_SECONDS and not alarmed:
                self._log.warning("process_silent", silence=round(silence, 1))
            alarmed = silence > SILENCE_ALARM_SECONDS
