"""Requests large answers of the director one at a time, and keeps each answer for a second."""

from __future__ import annotations

import asyncio
import gzip
from time import monotonic
from typing import Final

from hadirector.api.actor import Actor, Role
from hadirector.api.asserted import assertion_headers
from hadirector.web.director import Answer, Director

FRESH_SECONDS: Final = 1.0
GZIP_LEVEL: Final = 3
ANSWERS_MAX: Final = 8
"""Answers in memory. At the limit, the oldest one is dropped."""


_HEADERS: Final = assertion_headers(Actor("web", Role.READ))
"""The requests of this process itself, for all its clients."""


class CachedAnswer:
    """An answer, and the time in monotonic seconds of its request."""

    def __init__(self, answer: Answer, asked_at: float) -> None:
        self.answer = answer
        self._asked_at = asked_at
        self._compressing: asyncio.Future[bytes] | None = None

    @property
    def age(self) -> float:
        """The age in seconds."""
        return monotonic() - self._asked_at

    async def compress(self) -> bytes:
        """Return the body in the format gzip. All clients share it."""
        if self._compressing is None:
            compressing = asyncio.to_thread(gzip.compress, self.answer.body, GZIP_LEVEL)
            self._compressing = asyncio.ensure_future(compressing)
        return await asyncio.shield(self._compressing)


class Cache:
    """The latest answers by path. Clients with the same request share it."""

    def __init__(self, director: Director) -> None:
        self._director = director
        self._answers: dict[str, CachedAnswer] = {}
        self._one_at_a_time = asyncio.Lock()

    async def get(self, path: str) -> CachedAnswer:
        """Return an answer to GET that is at most a second old. Raises UnreachableError."""
        found = self._find(path)
        if found is None:
            async with self._one_at_a_time:
                found = self._find(path) or await self._ask(path)
        return found

    def _find(self, path: str) -> CachedAnswer | None:
        found = self._answers.get(path)
        return found if found is not None and found.age < FRESH_SECONDS else None

    async def _ask(self, path: str) -> CachedAnswer:
        self._answers.pop(path, None)
        asked_at = monotonic()
        found = CachedAnswer(await self._director.request("GET", path, _HEADERS), asked_at)
        while len(self._answers) >= ANSWERS_MAX:
            del self._answers[next(iter(self._answers))]
        if found.answer.status == 200:
            self._answers[path] = found
        return found
