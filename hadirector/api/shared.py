"""Prepares a large answer once for all clients that wait for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from time import monotonic
from typing import Final

ANSWERS_MAX: Final = 2
"""The maximum number of answers of one kind in memory, including the answer in preparation."""
REST_SECONDS_MAX: Final = 2.0


class _Preparation:
    """One answer: the task that prepares it, and the number of clients that wait for it."""

    def __init__(self, task: asyncio.Task[list[bytes]]) -> None:
        self.task = task
        self.clients = 0


class Turns:
    """Lets one preparation of a large answer run at a time, for all kinds of answers.

    After a preparation there is a pause of the same length, so that preparations take at most
    half of the time of the event loop.
    """

    def __init__(self) -> None:
        self._one_at_a_time = asyncio.Lock()
        self._rest_ends_at = 0.0

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for the permission to prepare an answer. It ends with the context."""
        async with self._one_at_a_time:
            await asyncio.sleep(self._rest_ends_at - monotonic())
            began = monotonic()
            try:
                yield
            finally:
                ended = monotonic()
                self._rest_ends_at = ended + min(ended - began, REST_SECONDS_MAX)


class SharedAnswer:
    """Shares each prepared answer among all clients that wait for it.

    Only one answer is prepared at a time, and at most ``ANSWERS_MAX`` answers are in memory. A
    request that arrives during a preparation gets the next answer, so no answer is older than
    its request. If all its clients disconnect, the preparation is cancelled.
    """

    def __init__(self, prepare: Callable[[], Awaitable[list[bytes]]], turns: Turns) -> None:
        self._prepare = prepare
        self._turns = turns
        self._places = asyncio.Semaphore(ANSWERS_MAX)
        self._next: _Preparation | None = None

    @contextlib.asynccontextmanager
    async def answer(self) -> AsyncIterator[list[bytes]]:
        """Return an answer. It stays in memory until all clients have left their contexts."""
        preparation = self._join()
        try:
            yield await asyncio.shield(preparation.task)
        finally:
            self._leave(preparation)

    def _join(self) -> _Preparation:
        if self._next is None:
            self._next = _Preparation(asyncio.create_task(self._prepare_next()))
        self._next.clients += 1
        return self._next

    def _leave(self, preparation: _Preparation) -> None:
        preparation.clients -= 1
        if preparation.clients:
            return
        task = preparation.task
        if not task.done():
            task.cancel()
            if self._next is preparation:
                self._next = None
        elif not task.cancelled() and task.exception() is None:
            self._places.release()

    async def _prepare_next(self) -> list[bytes]:
        await self._places.acquire()
        try:
            async with self._turns.turn():
                self._next = None  # a request from now on needs a later state
                return await self._prepare()
        except BaseException:
            self._places.release()
            raise
