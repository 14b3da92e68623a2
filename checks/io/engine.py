"""Performs conversations without a task or a timer for each: thousands a second in one loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import Final

from checks.definition.check import CheckDefinition
from checks.definition.result import Reason, Result
from checks.io.attempt import FAULTS, Progress, explain, too_late
from checks.io.epoll import EpollSockets
from checks.io.errors import one_line
from checks.io.operations import CONNECT, Conversation, Converse, Operation
from checks.io.ring import RingSockets
from checks.io.sockets import Answer, Sockets

DEADLINE_GRAIN: Final = 0.005
"""Deadlines this close together are served by one timer, seconds."""


_Mates = dict["Attempt", None]
"""Attempts with the same timeout, in the order in which they began."""


class Attempt(Progress):
    """One conversation under way. ``cancel`` gives it up, and nothing is told of it."""

    __slots__ = (
        *("_engine", "definition", "made", "mates", "operation", "place", "started", "steps"),
    )

    def __init__(
        self, engine: Engine, definition: CheckDefinition, converse: Converse, mates: _Mates
    ) -> None:
        super().__init__()
        self._engine = engine
        self.definition = definition
        self.steps: Conversation | None = converse(definition, self)
        self.started = monotonic()
        self.mates = mates
        # What follows is as in Link.
        self.made: socket.SocketType | None = None
        self.operation: Operation = CONNECT
        self.place = -1

    def go_on(self, answer: Answer) -> None:
        """Tell the conversation, and do what it wants next."""
        self._engine.go_on(self, answer)

    def cancel(self) -> None:
        """Close its socket, by the next `Engine.flush`. Once it has ended this does nothing."""
        self._engine.drop(self)


class Engine:
    """Runs attempts in the loop it is made in.

    An attempt ends by its deadline, within 5 ms and whatever keeps the loop busy. ``ended`` gets
    the definition and the result of each, from the loop or `flush`, never from within `start`.
    """

    def __init__(self, ended: Callable[[CheckDefinition, Result], None], attempts_max: int) -> None:
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._broken: asyncio.Future[None] = self._loop.create_future()
        self._sockets = _sockets(self.do, attempts_max)
        self._under_way: dict[float, _Mates] = {}  # by timeout, of which there are few
        self._timer: asyncio.TimerHandle | None = None

    def start(self, definition: CheckDefinition, converse: Converse) -> Attempt:
        """Begin a conversation; what it wants is done by the next `flush`."""
        timeout = definition.timing.timeout
        mates = self._under_way.get(timeout)
        if mates is None:
            mates = self._under_way[timeout] = {}
        attempt = Attempt(self, definition, converse, mates)
        if not mates:
            self._arm(attempt.started + timeout)
        mates[attempt] = None
        result = self._advance(attempt, None)
        if result is not None:
            self._loop.call_soon(self.do, partial(self._ended, definition, result))
        return attempt

    def go_on(self, attempt: Attempt, answer: Answer) -> None:
        """Let a conversation have the answer that it waits for."""
        result = self._advance(attempt, answer)
        if result is not None:
            self._ended(attempt.definition, result)

    def drop(self, attempt: Attempt) -> None:
        """Give an attempt up."""
        if attempt.steps is not None:
            attempt.steps.close()
            self._end(attempt)

    def flush(self) -> None:
        """Have done what the conversations want that were begun."""
        self._sockets.flush()

    async def broken(self) -> None:
        """Wait until a fault of our own has stopped the engine, and raise that fault.

        In a callback the loop would only log it, and what was to be done next would never be.
        """
        await self._broken

    def close(self) -> None:
        """Give up what is under way."""
        for mates in self._under_way.values():
            for attempt in tuple(mates):
                self.drop(attempt)
        if self._timer is not None:
            self._timer.cancel()
        self._sockets.close()

    def do(self, part: Callable[[], None]) -> None:
        """Do something in a callback of the loop: `broken` raises what that raises."""
        try:
            part()
        except Exception as fault:  # noqa: BLE001 - whoever awaits `broken` gets it
            if not self._broken.done():
                self._broken.set_exception(fault)

    def _advance(self, attempt: Attempt, answer: Answer | None) -> Result | None:
        """Let a conversation go on, until it waits again (None) or has a result."""
        steps, weight = attempt.steps, None
        assert steps is not None
        try:
            while True:
                if answer is None:
                    operation = next(steps)
                elif isinstance(answer, OSError):
                    operation = steps.throw(answer)
                else:
                    operation = steps.send(answer)
                answer = self._sockets.perform(attempt, operation)
                if answer is None:
                    return None
        except StopIteration as end:
            reason, (detail, weight) = Reason.PASSED, end.value
        except FAULTS as fault:
            reason, detail = explain(fault, attempt.definition, attempt.stage)
        self._end(attempt)
        duration = monotonic() - attempt.started
        return Result(reason, one_line(detail), duration, weight, attempt.warning)

    def _end(self, attempt: Attempt) -> None:
        self._sockets.release(attempt)
        attempt.steps = None
        del attempt.mates[attempt]

    def _arm(self, deadline: float) -> None:
        at = deadline + DEADLINE_GRAIN
        if self._timer is not None:
            if self._timer.when() <= at:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(at, self.do, self._time_out)

    def _time_out(self) -> None:
        """End what is past its deadline."""
        self._timer = None
        now = monotonic()
        for timeout, mates in tuple(self._under_way.items()):
            for attempt in tuple(mates):
                if attempt.started + timeout > now:
                    break  # and so it is for those behind it
                self._fail(attempt)
            if mates:
                self._arm(next(iter(mates)).started + timeout)
            else:
                del self._under_way[timeout]
        self.flush()  # closes their connections

    def _fail(self, attempt: Attempt) -> None:
        detail = too_late(attempt.definition, attempt.stage)
        self.drop(attempt)
        result = Result(Reason.TIMEOUT, detail, monotonic() - attempt.started)
        self._ended(attempt.definition, result)


def _sockets(do: Callable[[Callable[[], None]], None], links_max: int) -> Sockets:
    """Choose what performs operations: by completion it takes less, where there is io_uring."""
    try:
        return RingSockets(do, links_max)
    except OSError:
        return EpollSockets(do)
