"""Tells scripts of new states, with keepalived's arguments: TYPE NAME STATE PRIORITY.

Each instance and each sync group has a queue of its own: its script runs once for every state, in
their order, one run at a time, and nobody waits for it. When 16 states wait, the oldest of them is
dropped and logged: a script that hears late should at least hear the last one.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import structlog

from checks.script_runner.runner import run
from hadirector.model.configuration import Configuration, Notification, NotifiedObject
from vrrp.model.report import State

WAITING_MAX: Final = 16
FINISH_SECONDS_MAX: Final = 5.0

WORDS: Final = {State.ACTIVE: "MASTER", State.BACKUP: "BACKUP", State.INITIALIZE: "FAULT"}
"""keepalived's words for the states. INITIALIZE is STOP instead while the director stops."""
STOPPED_WORD: Final = "STOP"


class News(NamedTuple):
    """What a script is told."""

    word: str
    priority: int


def group_state(members: Iterable[State]) -> State:
    """The state of a sync group: ACTIVE if all are, INITIALIZE if any is."""
    states = set(members)
    if State.INITIALIZE in states:
        return State.INITIALIZE
    return State.ACTIVE if states == {State.ACTIVE} else State.BACKUP


class Notifier:
    """Runs the scripts while `run` runs."""

    def __init__(self, configuration: Configuration) -> None:
        self._queues: dict[tuple[NotifiedObject, str], asyncio.Queue[News]] = {}
        self._scripts: dict[tuple[NotifiedObject, str], Notification] = {}
        self._groups: dict[str, tuple[str, ...]] = {}
        self._group_states: dict[str, State] = {}
        self._stopping = False
        self._configured = asyncio.Event()
        self._log = structlog.get_logger()
        self.configure(configuration)

    def configure(self, configuration: Configuration) -> None:
        """Tell these scripts from now on; what waits for one that stays, waits on."""
        self._scripts = {(each.kind, each.name): each for each in configuration.notifications}
        self._queues = {
            key: self._queues.get(key) or asyncio.Queue(WAITING_MAX) for key in self._scripts
        }
        groups = {each.sync_group for each in configuration.vrrp if each.sync_group is not None}
        self._groups = {
            group: tuple(each.name for each in configuration.vrrp if each.sync_group == group)
            for group in groups
        }
        self._configured.set()

    def state_entered(self, instance: str, priority: int, states: Mapping[str, State]) -> None:
        """An instance has entered the state it has in ``states``."""
        self._put(("INSTANCE", instance), states[instance], priority)
        for group, members in self._groups.items():
            if instance in members:
                state = group_state(states.get(each, State.INITIALIZE) for each in members)
                if state is not self._group_states.get(group, State.INITIALIZE):
                    self._group_states[group] = state
                    self._put(("GROUP", group), state, priority)

    async def run(self) -> None:
        """Run scripts until cancelled; one that runs then is killed."""
        telling: dict[tuple[NotifiedObject, str], asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            while True:
                self._configured.clear()
                for key in telling.keys() - self._queues.keys():
                    telling.pop(key).cancel()
                for key in self._queues.keys() - telling.keys():
                    telling[key] = group.create_task(self._tell(key, self._queues[key]))
                await self._configured.wait()

    def stop(self) -> None:
        """From now on an instance that takes part no more was stopped, and had no fault."""
        self._stopping = True

    async def finish(self) -> None:
        """Let scripts be told what waits for them, 5 s at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FINISH_SECONDS_MAX):
                for queue in self._queues.values():
                    await queue.join()

    def _put(self, key: tuple[NotifiedObject, str], state: State, priority: int) -> None:
        queue = self._queues.get(key)
        if queue is None:
            return
        if queue.full():
            dropped = queue.get_nowait()
            queue.task_done()
            self._log.warning("notification_dropped", name=key[1], state=dropped.word)
        stopped = self._stopping and state is State.INITIALIZE
        queue.put_nowait(News(STOPPED_WORD if stopped else WORDS[state], priority))

    async def _tell(self, key: tuple[NotifiedObject, str], queue: asyncio.Queue[News]) -> None:
        kind, name = key
        while True:
            word, priority = await queue.get()
            script = self._scripts[key].script
            ended = await run(script, kind, name, word, str(priority))
            log = self._log.info if ended.succeeded else self._log.warning
            log(
                "notified",
                script=script.path,
                name=name,
                state=word,
                reason=ended.reason,
                output=ended.output,
            )
            queue.task_done()
