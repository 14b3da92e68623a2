"""Keeps one child process running and in touch."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import msgspec
import structlog

from hadirector.processes import channel
from hadirector.processes.channel import Channel, ChannelError, ChannelFullError
from hadirector.processes.handoff import AdoptedProcess, Handoff
from hadirector.processes.messages import Heartbeat
from vrrp.model.report import State

HEARTBEAT_SECONDS = 1.0
SILENCE_ALARM_SECONDS = 3.0
SILENCE_KILL_SECONDS = 10.0
BACKOFF_SECONDS = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
SETTLED_SECONDS = 30.0

INHERITED_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})

Incoming = TypeVar("Incoming")
Process = asyncio.subprocess.Process | AdoptedProcess


class ChildStarted(msgspec.Struct, frozen=True):
    """A child process is there and waits to be configured."""

    name: str


class ChildDied(msgspec.Struct, frozen=True):
    """A child process ended without having been told to."""

    name: str


class Child(Generic[Incoming]):
    """One kind of child process: started, listened to, restarted when it dies.

    A restart comes at once the first time and then after growing pauses, 30 s at most; a child that
    lived for 30 s starts that sequence anew. ``tell`` is awaited with ``ChildStarted`` when a new
    process has said its first word and can be configured, with every message it sends, and with
    ``ChildDied`` when it is gone against our will.
    """

    def __init__(
        self, name: str, module: str, incoming: Any, tell: Callable[[Any], Awaitable[None]]
    ) -> None:
        self.name = name
        self.restarts = 0
        self._module = module
        self._incoming = incoming
        self._tell = tell
        self._process: Process | None = None
        self._adopted: Handoff | None = None
        self._handed_on = False
        self._channel: Channel[Incoming] | None = None
        self._heard_at = 0.0
        self._stop = asyncio.Event()
        self._log = structlog.get_logger().bind(process=name)

    @property
    def pid(self) -> int | None:
        """The process, None while there is none."""
        return None if self._process is None else self._process.pid

    async def run(self) -> None:
        """Run the child until it ends after ``stop``."""
        failures = 0
        loop = asyncio.get_running_loop()
        while not self._stop.is_set():
            started_at = loop.time()
            try:
                status: int | str = await self._run_once()
            except OSError as error:
                status = f"could not be started: {error}"
            if self._stop.is_set():
                say = self._log.error if status else self._log.info
                say("process_stopped", status=status)
                return
            failures = 0 if loop.time() - started_at > SETTLED_SECONDS else failures
            pause = BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)]
            failures += 1
            self.restarts += 1
            self._log.error("process_died", status=status, restart_in=pause)
            await self._tell(ChildDied(self.name))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stop.wait()

    def send(self, message: msgspec.Struct) -> bool:
        """Send a message to the child if it is there; False when it is not or does not read.

        A child that is not there is configured from scratch when it is back, and one that has
        stopped reading is soon killed for its silence, so nothing is lost either way.
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
        """Order the child to finish, or kill it if it does not read; ``run`` then returns."""
        self._stop.set()
        if not self.send(order):
            self.kill()

    def adopt(self, handoff: Handoff) -> None:
        """Go on with a process that runs already, instead of starting the first one."""
        self._adopted = handoff

    def hand_on(self, states: dict[str, State]) -> Handoff | None:
        """Describe the running process for the program that takes our place.

        None when there is none, or when it does not read. Cancel ``run`` afterwards.
        """
        if self._process is None or self._channel is None:
            return None
        descriptor = self._channel.hand_on()
        if descriptor is None:
            return None
        self._handed_on = True
        return Handoff(self._process.pid, descriptor, states)

    def kill(self) -> None:
        """End the process, if there is one, with SIGKILL."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def _run_once(self) -> int:
        handoff, self._adopted = self._adopted, None
        try:
            if handoff is None:
                return await self._attend(*await self._start())
            return await self._attend(*self._take_over(handoff))
        finally:
            if self._channel is not None:
                self._channel.close()
            self._channel = self._process = None

    async def _start(self) -> tuple[Process, Channel[Incoming]]:
        ours, theirs = channel.pair()
        # There before the process is, so that an order given meanwhile waits for it.
        current: Channel[Incoming] = Channel(ours, self._incoming)
        self._channel = current
        with theirs:
            self._process = process = await self._spawn(theirs)
        self._log.info("process_started", pid=process.pid)
        return process, current

    def _take_over(self, handoff: Handoff) -> tuple[Process, Channel[Incoming]]:
        ours = socket.socket(fileno=handoff.descriptor)
        current: Channel[Incoming] = Channel(ours, self._incoming)
        self._channel = current
        self._process = process = AdoptedProcess(handoff.pid)
        self._log.info("process_adopted", pid=handoff.pid)
        return process, current

    async def _spawn(self, end: socket.socket) -> asyncio.subprocess.Process:
        # The child must not die of a signal sent to the whole process group before it has had the
        # time to ignore it. Blocked signals stay blocked across fork and exec; ours arrive late.
        signal.pthread_sigmask(signal.SIG_BLOCK, INHERITED_SIGNALS)
        try:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                self._module,
                str(end.fileno()),
                pass_fds=[end.fileno()],
                stdin=asyncio.subprocess.DEVNULL,
            )
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, INHERITED_SIGNALS)

    async def _attend(self, process: Process, current: Channel[Incoming]) -> int:
        """Listen until the channel ends, then see the process end: cancelled too, in good order,
        unless it is to go on without us.
        """
        self._heard_at = asyncio.get_running_loop().time()
        pulse = asyncio.create_task(self._pulse())
        try:
            await self._listen(current)
        finally:
            pulse.cancel()
            current.close()
            status = 0 if self._handed_on else await self._wait_for_end(process)
        return status

    async def _listen(self, current: Channel[Incoming]) -> None:
        greeted = False
        try:
            while (message := await current.receive()) is not None:
                self._heard_at = asyncio.get_running_loop().time()
                if not greeted:
                    greeted = True
                    await self._tell(ChildStarted(self.name))
                if not isinstance(message, Heartbeat):
                    await self._tell(message)
        except ChannelError as error:
            self._log.error("process_protocol_error", error=str(error))

    async def _wait_for_end(self, process: Process) -> int:
        """Wait for a process whose channel has ended; one that stays is killed."""
        try:
            async with asyncio.timeout(SILENCE_KILL_SECONDS):
                return await process.wait()
        except TimeoutError:
            self.kill()
            return await process.wait()

    async def _pulse(self) -> None:
        alarmed = False
        loop = asyncio.get_running_loop()
        while True:
            self.send(Heartbeat())
            due = loop.time() + HEARTBEAT_SECONDS
            await asyncio.sleep(HEARTBEAT_SECONDS)
            # While we were away ourselves nobody could be heard.
            self._heard_at += max(0.0, loop.time() - due)
            silence = loop.time() - self._heard_at
            if silence > SILENCE_KILL_SECONDS:
                self._log.error("process_hangs", silence=round(silence, 1))
                self.kill()
                return
            if silence > SILENCE_ALARM_SECONDS and not alarmed:
                self._log.warning("process_silent", silence=round(silence, 1))
            alarmed = silence > SILENCE_ALARM_SECONDS
