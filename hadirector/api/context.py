"""The objects that all handlers of the API share: the director, cached answers, and limits."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from hadirector.api.audit import Audit
from hadirector.api.connections import Connections
from hadirector.api.exchange import encode_status, prepare_in_thread
from hadirector.api.problems import Code, ProblemError
from hadirector.api.shared import SharedAnswer, Turns
from hadirector.api.snapshots import Snapshots
from hadirector.director.director import Director
from hadirector.status.report import Status

if TYPE_CHECKING:  # the library for metrics is large, and is imported at the first request
    from hadirector.status.scrape import Scrape

T = TypeVar("T")

CHANGES_MAX: Final = 16
"""Changes that may wait at the same time."""


class Context:
    """The director that the API serves, with the shared answers and limits.

    ``followers`` are the tasks of clients that wait for events.
    """

    def __init__(self, director: Director, connections: Connections) -> None:
        self.director = director
        self.connections = connections
        turns = Turns()
        self.statuses = SharedAnswer(self._prepare_status, turns)
        self._turns = turns
        self._metrics: dict[Scrape, SharedAnswer] = {}
        self.audit = Audit()
        self.snapshots = Snapshots(self._read_status)
        self.explaining = asyncio.Lock()
        self.previewing = asyncio.Lock()
        self.followers: set[asyncio.Task[object]] = set()
        self._changes: set[asyncio.Task[Any]] = set()

    def metrics(self, scrape: Scrape) -> SharedAnswer:
        """Return the answer with these metrics, which all clients share. There are at most 64."""
        if scrape not in self._metrics:
            prepare = partial(self._prepare_metrics, scrape)
            self._metrics[scrape] = SharedAnswer(prepare, self._turns)
        return self._metrics[scrape]

    async def complete(self, change: Coroutine[Any, Any, T]) -> T:
        """Complete a change even if its client disconnects.

        Raises ProblemError if too many are waiting.
        """
        if len(self._changes) >= CHANGES_MAX:
            change.close()
            raise ProblemError(
                Code.TOO_MANY,
                f"{CHANGES_MAX} changes are already waiting",
                headers={"Retry-After": "1"},
            )
        task = asyncio.create_task(change)
        self._changes.add(task)
        task.add_done_callback(self._forget)
        return await asyncio.shield(task)

    def stop_followers(self) -> None:
        """Cancel the requests that wait for events, so that a stop does not wait for them."""
        for task in self.followers:
            task.cancel()

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._changes.discard(task)
        if not task.cancelled():
            task.exception()  # it was answered, or its client has left

    async def _read_status(self) -> Status:
        return await self.director.operator.status()

    async def _prepare_status(self) -> list[bytes]:
        return await encode_status(await self.director.operator.status())

    async def _prepare_metrics(self, scrape: Scrape) -> list[bytes]:
        return await prepare_in_thread(scrape.pieces(await self.director.operator.status()))
