"""Runs notify scripts for each object in the order of its changes of state.

Each object has a queue of states. For a state, the scripts of the object run one after the other,
in the order of the file. At most ``WAITING_MAX`` states of an object wait. If another one arrives,
the oldest one is dropped and logged, so that a slow script still gets the latest states. At most
``RUNNING_MAX`` scripts of pools and real servers run at the same time. Scripts of instances and
sync groups do not wait for them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

import structlog

from checks.script_runner.runner import run
from hadirector.model.notification import NotifyScript
from hadirector.notify.state import NAMES, NewState, Subject

WAITING_MAX: Final = 16
RUNNING_MAX: Final = 16


class Waiting(NamedTuple):
    """A state in the queue, and the scripts to run for it."""

    state: NewState
    scripts: tuple[NotifyScript, ...]


class ScriptQueues:
    """The queues of all objects.

    ``note_told`` is called when all scripts for a state have ended.
    """

    def __init__(self, note_told: Callable[[NewState], None]) -> None:
        self._note_told = note_told
        # A state stays at the head of its queue while its scripts run.
        self._queues: dict[Subject, deque[Waiting]] = {}
        self._running: set[Subject] = set()
        # The objects with a state whose scripts no task runs yet.
        self._urgent: deque[Subject] = deque()
        self._ready: deque[Subject] = deque()
        self._workers = 0
        self._arrived = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._log = structlog.get_logger()

    def has(self, subject: Subject) -> bool:
        """Return whether a state of the object waits, or a script of the object runs."""
        return subject in self._queues

    def add(self, waiting: Waiting) -> None:
        """Add a state to the queue of its object."""
        subject = waiting.state.subject
        queue = self._queues.get(subject)
        if queue is None:
            queue = self._queues[subject] = deque()
            (self._ready if subject.pool else self._urgent).append(subject)
        head = int(subject in self._running)
        if len(queue) - head >= WAITING_MAX:
            self._log.warning(
                "notification_dropped",
                object=str(subject),
                state=NAMES[queue[head].state.word],
                reason=f"the queue of the object is full ({WAITING_MAX} states)",
            )
            del queue[head]
        queue.append(waiting)
        self._empty.clear()
        self._arrived.set()

    async def run(self) -> None:
        """Run scripts until cancelled, which kills the running scripts."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._arrived.clear()
                while self._urgent:
                    group.create_task(self._work(deque((self._urgent.popleft(),))))
                for _ in range(min(RUNNING_MAX - self._workers, len(self._ready))):
                    self._workers += 1
                    group.create_task(self._work_on_pools())
                await self._arrived.wait()

    async def finish(self, seconds: float) -> None:
        """Wait until all queues are empty, at most for this number of seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._empty.wait()
        if self._queues:
            count = sum(map(len, self._queues.values()))
            self._log.warning("notifications_left", count=count, seconds=seconds)

    async def _work_on_pools(self) -> None:
        try:
            await self._work(self._ready)
        finally:
            self._workers -= 1

    async def _work(self, ready: deque[Subject]) -> None:
        """Run scripts until no object is ready. Objects take turns, state by state."""
        while ready:
            subject = ready.popleft()
            queue = self._queues[subject]
            state, scripts = queue[0]
            self._running.add(subject)
            for script in scripts:
                await self._run(script, state)
            self._running.discard(subject)
            queue.popleft()
            self._note_told(state)
            if queue:
                ready.append(subject)
            else:
                del self._queues[subject]
        if not self._queues:
            self._empty.set()

    async def _run(self, notify: NotifyScript, state: NewState) -> None:
        arguments = state.arguments if notify.names_state else ()
        ended = await run(notify.script, *arguments, environment=state.environment)
        log = self._log.info if ended.succeeded else self._log.warning
        log(
            "notification_sent" if ended.succeeded else "notification_failed",
            object=str(state.subject),
            state=NAMES[state.word],
            script=notify.script.path,
            reason=ended.reason,
            output=ended.output,
        )
