"""Runs thousands of probe conversations per second without an asyncio task or timer for each.

A conversation is a generator that yields socket operations (`checks.io.operations`).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import Final

from checks.definition.check import CheckDefinition
from checks.definition.result import Reason, Result
from checks.io.attempt import PROBE_ERRORS, Progress, describe_timeout, explain_error
from checks.io.epoll import Answer, EpollSockets
from checks.io.errors import one_line
from checks.io.operations import CONNECT, Conversation, Converse, Operation

DEADLINE_GRAIN: Final = 0.005
"""One timer serves all deadlines within this time, in seconds."""


_Attempts = dict["Attempt", None]
"""Attempts with the same timeout, in the order in which they started."""


class Attempt(Progress):
    """One probe in progress: its conversation and its connection.

    `cancel` ends it without a result.
    """

    __slots__ = (
        *("_engine", "conversation", "definition", "descriptor", "operation", "same_timeout"),
        *("socket", "started"),
    )

    def __init__(
        self,
        engine: Engine,
        definition: CheckDefinition,
        converse: Converse,
        same_timeout: _Attempts,
    ) -> None:
        super().__init__()
        self._engine = engine
        self.definition = definition
        self.conversation: Conversation | None = converse(definition, self)
        self.started = monotonic()
        self.same_timeout = same_timeout
        # The attributes of `checks.io.epoll.Link`:
        self.socket: socket.SocketType | None = None
        self.operation: Operation = CONNECT
        self.descriptor = -1

    def resume(self, answer: Answer) -> None:
        """Pass the result of the last operation to the conversation, which then continues."""
        self._engine.resume(self, answer)

    def cancel(self) -> None:
        """Close the connection. Do nothing if the attempt has already ended."""
        self._engine.cancel(self)


class Engine:
    """Runs attempts in the current event loop.

    An attempt ends at most 5 ms after its deadline, unless the loop is blocked. ``report`` gets the
    definition and the result of each attempt, from the loop or from `flush`, never from `start`.
    """

    def __init__(self, report: Callable[[CheckDefinition, Result], None]) -> None:
        self._report = report
        self._loop = asyncio.get_running_loop()
        self._failure: asyncio.Future[None] = self._loop.create_future()
        self._sockets = EpollSockets(self.guard)
        self._attempts: dict[float, _Attempts] = {}  # by timeout; there are only a few timeouts
        self._timer: asyncio.TimerHandle | None = None

    def start(self, definition: CheckDefinition, converse: Converse) -> Attempt:
        """Start a conversation.

        Its first operation runs when the caller calls `flush` after a batch.
        """
        timeout = definition.timing.timeout
        same_timeout = self._attempts.get(timeout)
        if same_timeout is None:
            same_timeout = self._attempts[timeout] = {}
        attempt = Attempt(self, definition, converse, same_timeout)
        if not same_timeout:
            self._set_timer(attempt.started + timeout)
        same_timeout[attempt] = None
        result = self._advance(attempt, None)
        if result is not None:
            self._loop.call_soon(self.guard, partial(self._report, definition, result))
        return attempt

    def resume(self, attempt: Attempt, answer: Answer) -> None:
        """Pass the result of an operation to the conversation of an attempt, and continue it."""
        result = self._advance(attempt, answer)
        if result is not None:
            self._report(attempt.definition, result)

    def cancel(self, attempt: Attempt) -> None:
        """End an attempt without a result. Do nothing if it has already ended."""
        if attempt.conversation is not None:
            attempt.conversation.close()
            self._end(attempt)

    def flush(self) -> None:
        """Perform the first operations of all conversations that `start` has started."""
        self._sockets.flush()

    async def wait_for_failure(self) -> None:
        """Wait until a callback of the engine fails, and raise its exception.

        asyncio only logs an exception of a callback. Without this function, the process
        would go on without the probes that the callback should have started.
        """
        await self._failure

    def close(self) -> None:
        """Cancel all attempts and close the epoll."""
        for attempts in self._attempts.values():
            for attempt in tuple(attempts):
                self.cancel(attempt)
        if self._timer is not None:
            self._timer.cancel()
        self._sockets.close()

    def guard(self, callback: Callable[[], None]) -> None:
        """Run a callback of the event loop, and keep its exception for `wait_for_failure`."""
        try:
            callback()
        except Exception as error:  # noqa: BLE001 - `wait_for_failure` raises it
            if not self._failure.done():
                self._failure.set_exception(error)

    def _advance(self, attempt: Attempt, answer: Answer | None) -> Result | None:
        """Continue a conversation until it waits again (None) or has a result."""
        conversation, weight = attempt.conversation, None
        assert conversation is not None
        try:
            while True:
                if answer is None:
                    operation = next(conversation)
                elif isinstance(answer, OSError):
                    operation = conversation.throw(answer)
                else:
                    operation = conversation.send(answer)
                answer = self._sockets.perform(attempt, operation)
                if answer is None:
                    return None
        except StopIteration as end:
            reason, (detail, weight) = Reason.PASSED, end.value
        except PROBE_ERRORS as error:
            reason, detail = explain_error(error, attempt.definition, attempt.stage)
        self._end(attempt)
        duration = monotonic() - attempt.started
        return Result(reason, one_line(detail), duration, weight, attempt.warning)

    def _end(self, attempt: Attempt) -> None:
        self._sockets.release(attempt)
        attempt.conversation = None
        del attempt.same_timeout[attempt]

    def _set_timer(self, deadline: float) -> None:
        at = deadline + DEADLINE_GRAIN
        if self._timer is not None:
            if self._timer.when() <= at:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(at, self.guard, self._handle_deadlines)

    def _handle_deadlines(self) -> None:
        """End the attempts that have passed their deadline."""
        self._timer = None
        now = monotonic()
        for timeout, attempts in tuple(self._attempts.items()):
            for attempt in tuple(attempts):
                if attempt.started + timeout > now:
                    break  # all later attempts in this group have later deadlines
                self._time_out(attempt)
            if attempts:
                self._set_timer(next(iter(attempts)).started + timeout)
            else:
                del self._attempts[timeout]
        self.flush()  # continues probes that the reported results have started

    def _time_out(self, attempt: Attempt) -> None:
        detail = describe_timeout(attempt.definition, attempt.stage)
        self.cancel(attempt)
        result = Result(Reason.TIMEOUT, detail, monotonic() - attempt.started)
        self._report(attempt.definition, result)
