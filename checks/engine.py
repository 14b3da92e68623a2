"""Performs conversations without a task or a timer for each: thousands a second in one loop."""

from __future__ import annotations

import asyncio
import select
import socket
from collections import deque
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import Final

from checks.attempt import FAULTS, Progress, explain, too_late
from checks.conversation import Conversation, Converse
from checks.definition import CheckDefinition
from checks.faults import one_line
from checks.result import Reason, Result

DEADLINE_GRAIN: Final = 0.005
"""Deadlines this close together are served by one timer, seconds."""


class Attempt:
    """One conversation under way. ``cancel`` gives it up, and nothing is told of it."""

    __slots__ = (
        *("_engine", "definition", "event", "made", "number", "progress", "started", "steps"),
    )

    def __init__(self, engine: Engine, definition: CheckDefinition, converse: Converse) -> None:
        self._engine = engine
        self.definition = definition
        self.progress = Progress()
        self.steps: Conversation | None = converse(definition, self.progress)
        self.started = monotonic()
        self.made: socket.socket | None = None  # the socket it waits for
        self.event = 0
        self.number = -1  # of that socket, once it is in the epoll

    def cancel(self) -> None:
        """Close its socket. Once it has ended this does nothing."""
        self._engine.drop(self)


class Engine:
    """Runs attempts in the loop it is made in, on one epoll that this loop watches.

    On a near network much has come already when everything that was due has been begun. So whoever
    waits is looked for once with all the others, by poll(2), and only then put in the epoll: for
    one that is in and out again that takes longer than all the rest of the waiting.

    An attempt ends by its deadline, within 5 ms and whatever keeps the loop busy. ``ended`` gets
    the definition and the result of each, from the loop, never from within `start`.
    """

    def __init__(self, ended: Callable[[CheckDefinition, Result], None]) -> None:
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._broken: asyncio.Future[None] = self._loop.create_future()
        self._epoll = select.epoll()
        self._waiting: dict[int, Attempt] = {}
        self._fresh: list[Attempt] = []  # those that began to wait since `_look`
        # By timeout, of which there are few: what began first also ends first.
        self._deadlines: dict[float, deque[Attempt]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._loop.add_reader(self._epoll, self._do, self._poll)

    def start(self, definition: CheckDefinition, converse: Converse) -> Attempt:
        """Begin a conversation."""
        attempt = Attempt(self, definition, converse)
        timeout = definition.timing.timeout
        queue = self._deadlines.get(timeout)
        if queue is None:
            queue = self._deadlines[timeout] = deque()
        if not queue:
            self._arm(attempt.started + timeout)
        queue.append(attempt)
        result = self._advance(attempt, None)
        if result is not None:
            self._loop.call_soon(self._do, partial(self._ended, definition, result))
        return attempt

    def drop(self, attempt: Attempt) -> None:
        """Give an attempt up."""
        if attempt.steps is not None:
            self._forget(attempt)
            attempt.steps.close()
            attempt.steps = None

    async def broken(self) -> None:
        """Wait until a fault of our own has stopped the engine, and raise that fault.

        In a callback the loop would only log it, and what was to be done next would never be.
        """
        await self._broken

    def close(self) -> None:
        """Give up what is under way."""
        for attempt in (*self._waiting.values(), *self._fresh):
            self.drop(attempt)
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._epoll)
        self._epoll.close()

    def _do(self, part: Callable[[], None]) -> None:
        try:
            part()
        except Exception as fault:  # noqa: BLE001 - whoever awaits `broken` gets it
            if not self._broken.done():
                self._broken.set_exception(fault)

    def _poll(self) -> None:
        for number, events in self._epoll.poll(0):
            self._go_on(self._waiting[number], events)

    def _look(self) -> None:
        """Go on with those for whom something has come already; have the epoll tell of the rest."""
        fresh = {each.made.fileno(): each for each in self._fresh if each.made is not None}
        self._fresh = []
        once = select.poll()
        for number, attempt in fresh.items():
            once.register(number, attempt.event)
        events = dict(once.poll(0))
        for number, attempt in fresh.items():
            if number in events:
                self._go_on(attempt, events[number])
            else:
                attempt.number = number
                self._waiting[number] = attempt
                self._epoll.register(number, attempt.event)

    def _go_on(self, attempt: Attempt, events: int) -> None:
        result = self._advance(attempt, events)
        if result is not None:
            self._ended(attempt.definition, result)

    def _advance(self, attempt: Attempt, events: int | None) -> Result | None:
        """Let a conversation go on, until it waits again (None) or has a result."""
        assert attempt.steps is not None
        weight = None
        try:
            made, event = attempt.steps.send(events)
        except StopIteration as end:
            reason, (detail, weight) = Reason.PASSED, end.value
        except FAULTS as fault:
            reason, detail = explain(fault, attempt.definition, attempt.progress.stage)
        else:
            self._wait(attempt, made, event)
            return None
        self._forget(attempt)
        attempt.steps = None
        return Result(
            reason,
            one_line(detail),
            monotonic() - attempt.started,
            weight,
            attempt.progress.warning,
        )

    def _wait(self, attempt: Attempt, made: socket.socket, event: int) -> None:
        if attempt.made is not made:
            # A closed socket has left the epoll by itself; the new one may have its number.
            self._forget(attempt)
            attempt.made = made
        if attempt.number < 0:
            attempt.event = event
            if not self._fresh:
                self._loop.call_soon(self._do, self._look)
            self._fresh.append(attempt)
        elif attempt.event != event:
            attempt.event = event
            self._epoll.modify(attempt.number, event)

    def _forget(self, attempt: Attempt) -> None:
        attempt.made = None
        if attempt.number >= 0:
            del self._waiting[attempt.number]
            attempt.number = -1

    def _arm(self, deadline: float) -> None:
        at = deadline + DEADLINE_GRAIN
        if self._timer is not None:
            if self._timer.when() <= at:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(at, self._do, self._time_out)

    def _time_out(self) -> None:
        """End what is past its deadline; what has ended before is only taken off its queue."""
        self._timer = None
        now = monotonic()
        for timeout, queue in tuple(self._deadlines.items()):
            while queue and (queue[0].steps is None or queue[0].started + timeout <= now):
                self._end(queue.popleft())
            if queue:
                self._arm(queue[0].started + timeout)
            else:
                del self._deadlines[timeout]

    def _end(self, attempt: Attempt) -> None:
        if attempt.steps is not None:
            detail = too_late(attempt.definition, attempt.progress.stage)
            self.drop(attempt)
            result = Result(Reason.TIMEOUT, detail, monotonic() - attempt.started)
            self._ended(attempt.definition, result)
