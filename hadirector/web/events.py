"""Follows the events of the director once, and sends them to any number of clients."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any, Final

import msgspec
from aiohttp import web

from hadirector.api.actor import Actor, Role
from hadirector.api.asserted import assertion_headers
from hadirector.events.selection import Selection
from hadirector.web.director import Director, UnreachableError
from hadirector.web.ring import Ring, encode_gap

WAIT_SECONDS: Final = 2.0
"""How long the director waits for an event before it answers. So its end is noticed in time."""
RETRY_SECONDS: Final = 0.5
TICK_SECONDS: Final = 2.0
"""The longest time between two messages to a client, which shows it that the stream is alive."""
WRITE_SECONDS_MAX: Final = 10.0
STREAMS_MAX: Final = 1000
_HEADERS: Final = {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}


OURSELVES: Final = Actor("web", Role.READ)
"""The actor of the requests that this process sends for all its clients."""


class _Page(msgspec.Struct):
    events: list[msgspec.Raw]
    last: int


class _Head(msgspec.Struct):
    """The part of an event that decides who gets it."""

    number: int
    name: str
    fields: dict[str, Any]


class Follower:
    """Keeps the latest events of the director in a ring, with one request at a time."""

    def __init__(self, director: Director) -> None:
        self.ring = Ring()
        self.begun = asyncio.Event()
        self.heard_at = 0.0  # when the director has last answered, in monotonic seconds
        self._director = director
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Follow until cancelled. While the director does not answer, try again and again."""
        last = 0
        while True:
            wait = WAIT_SECONDS if self.begun.is_set() else 0
            try:
                last = await self._follow(last, wait)
            except (UnreachableError, msgspec.MsgspecError):
                await asyncio.sleep(RETRY_SECONDS)

    async def wait(self) -> None:
        """Wait for the next events, or at most two seconds."""
        try:
            async with asyncio.timeout(TICK_SECONDS):
                await self._changed.wait()
        except TimeoutError:
            pass

    async def _follow(self, last: int, wait: float) -> int:
        path = f"/v1/events?after={last}&wait={wait:g}"
        answer = await self._director.request("GET", path, assertion_headers(OURSELVES))
        if answer.status != 200:
            raise UnreachableError(f"status {answer.status}")
        page = msgspec.json.decode(answer.body, type=_Page)
        for raw in page.events:
            head = msgspec.json.decode(raw, type=_Head)
            self.ring.add(head.number, head.name, head.fields, bytes(raw))
        self.heard_at = monotonic()
        self.begun.set()
        if page.events:
            self._changed.set()
            self._changed = asyncio.Event()
        return page.last


class Streams:
    """The clients that follow the events (Server-Sent Events, WHATWG HTML section 9.2)."""

    def __init__(self, follower: Follower) -> None:
        self._follower = follower
        self.count = 0

    @property
    def full(self) -> bool:
        """Whether the number of followers has reached its limit."""
        return self.count >= STREAMS_MAX

    async def serve(
        self, request: web.BaseRequest, cursor: int | None, selection: Selection
    ) -> web.StreamResponse:
        """Send the selected events after a number, or from now on, until the client leaves."""
        self.count += 1
        try:
            await self._follower.begun.wait()
            response = web.StreamResponse(headers=_HEADERS)
            await response.prepare(request)
            await self._send(
                response, self._follower.ring.last if cursor is None else cursor, selection
            )
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError("the client did not read its events in time") from None
        finally:
            self.count -= 1
        return response

    async def _send(self, response: web.StreamResponse, cursor: int, selection: Selection) -> None:
        await _write(response, b"retry: 1000\n\n")
        while True:
            ring = self._follower.ring
            if gap := ring.gap(cursor):
                await _write(response, encode_gap(gap))
                cursor = gap.last
            text, cursor = ring.after(cursor, selection)
            await _write(response, text or self._tick())
            if cursor == ring.last:
                await self._follower.wait()

    def _tick(self) -> bytes:
        age = monotonic() - self._follower.heard_at
        content = msgspec.json.encode({"last": self._follower.ring.last, "age": round(age, 1)})
        return b"event: tick\ndata: %s\n\n" % content


async def _write(response: web.StreamResponse, text: bytes) -> None:
    async with asyncio.timeout(WRITE_SECONDS_MAX):
        await response.write(text)
