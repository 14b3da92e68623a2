"""Runs notify scripts for new states, with the arguments of keepalived: TYPE NAME STATE PRIORITY.

Each instance and each sync group has its own queue. Its script runs once for every state, in order,
and no two runs overlap. If 16 states are waiting, the oldest one is dropped and logged, so that a
slow script still gets the latest state.
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

KEEPALIVED_STATES: Final = {
    State.ACTIVE: "MASTER",
    State.BACKUP: "BACKUP",
    State.INITIALIZE: "FAULT",
}
"""The names of the states in keepalived. While the director stops, INITIALIZE is STOP."""
STOPPED: Final = "STOP"


class NewState(NamedTuple):
    """The last two arguments of a script: the state in keepalived's terms, and the priority."""

    state: str
    priority: int


def group_state(members: Iterable[State]) -> State:
    """Return the state of a sync group: ACTIVE if all members are, INITIALIZE if any is."""
    states = set(members)
    if State.INITIALIZE in states:
        return State.INITIALIZE
    return State.ACTIVE if states == {State.ACTIVE} else State.BACKUP


class Notifier:
    """Queues new states, and runs the scripts for them in the task `run`."""

    def __init__(self, configuration: Configuration) -> None:
        self._queues: dict[tuple[NotifiedObject, str], asyncio.Queue[NewState]] = {}
        self._scripts: dict[tuple[NotifiedObject, str], Notification] = {}
        self._groups: dict[str, tuple[str, ...]] = {}
        self._group_states: dict[str, State] = {}
        self._stopping = False
        self._configured = asyncio.Event()
        self._log = structlog.get_logger()
        self.configure(configuration)

    def configure(self, configuration: Configuration) -> None:
        """Use these scripts from now on. The queues of scripts that stay are kept."""
        self._scripts = {
            (notification.kind, notification.name): notification
            for notification in configuration.notifications
        }
        self._queues = {
            key: self._queues.get(key) or asyncio.Queue(WAITING_MAX) for key in self._scripts
        }
        instances = configuration.vrrp
        groups = {each.sync_group for each in instances if each.sync_group is not None}
        self._groups = {
            group: tuple(each.name for each in instances if each.sync_group == group)
            for group in groups
        }
        self._configured.set()

    def note_state(self, instance: str, priority: int, states: Mapping[str, State]) -> None:
        """Queue the new state of an instance, and of its sync group if that changes too."""
        self._enqueue(("INSTANCE", instance), states[instance], priority)
        for group, members in self._groups.items():
            if instance in members:
                state = group_state(states.get(member, State.INITIALIZE) for member in members)
                if state is not self._group_states.get(group, State.INITIALIZE):
                    self._group_states[group] = state
                    self._enqueue(("GROUP", group), state, priority)

    async def run(self) -> None:
        """Run scripts until cancelled, which kills a running script."""
        running: dict[tuple[NotifiedObject, str], asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            while True:
                self._configured.clear()
                for key in running.keys() - self._queues.keys():
                    running.pop(key).cancel()
                for key in self._queues.keys() - running.keys():
                    running[key] = group.create_task(self._run_scripts(key, self._queues[key]))
                await self._configured.wait()

    def stop(self) -> None:
        """Report INITIALIZE as STOP from now on, and not as FAULT."""
        self._stopping = True

    async def finish(self) -> None:
        """Wait until all queues are empty, at most 5 s."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FINISH_SECONDS_MAX):
                for queue in self._queues.values():
                    await queue.join()

    def _enqueue(self, key: tuple[NotifiedObject, str], state: State, priority: int) -> None:
        queue = self._queues.get(key)
        if queue is None:
            return
        if queue.full():
            dropped = queue.get_nowait()
            queue.task_done()
            self._log.warning("notification_dropped", name=key[1], state=dropped.state)
        stopped = self._stopping and state is State.INITIALIZE
        queue.put_nowait(NewState(STOPPED if stopped else KEEPALIVED_STATES[state], priority))

    async def _run_scripts(
        self, key: tuple[NotifiedObject, str], queue: asyncio.Queue[NewState]
    ) -> None:
        kind, name = key
        while True:
            state, priority = await queue.get()
            script = self._scripts[key].script
            ended = await run(script, kind, name, state, str(priority))
            log = self._log.info if ended.succeeded else self._log.warning
            log(
                "notified",
                script=script.path,
                name=name,
                state=state,
                reason=ended.reason,
                output=ended.output,
            )
            queue.task_done()
