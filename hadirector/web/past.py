"""The latest connections of each virtual server, so that a page that is just opened has a past."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Final

import msgspec

from hadirector.web.cache import Cache
from hadirector.web.director import UnreachableError

POINT_SECONDS: Final = 5.0
POINTS_MAX: Final = 60
VIRTUAL_SERVERS_MAX: Final = 5000
"""Virtual servers with a past. With more, the other ones have none."""
FAILURES_MAX: Final = 2
"""Missed points in a row after which the past is forgotten, because it would have a gap."""


class _Row(msgspec.Struct):
    name: str
    active_connections: int


class _Overview(msgspec.Struct):
    virtual_servers: list[_Row]


class Past:
    """Keeps the latest points of each virtual server, the oldest first."""

    def __init__(self) -> None:
        self._points: dict[str, deque[int]] = {}
        self._failures = 0

    def add(self, connections: Mapping[str, int]) -> None:
        """Add a point for each virtual server. A server that is missing is forgotten."""
        self._failures = 0
        points = {}
        for name in list(connections)[:VIRTUAL_SERVERS_MAX]:
            points[name] = self._points.get(name) or deque(maxlen=POINTS_MAX)
            points[name].append(connections[name])
        self._points = points

    def miss(self) -> None:
        """Note that a point is missing."""
        self._failures += 1
        if self._failures >= FAILURES_MAX:
            self._points = {}

    def encode(self) -> bytes:
        """Return the points as JSON."""
        points = {name: list(found) for name, found in self._points.items()}
        return msgspec.json.encode({"seconds": POINT_SECONDS, "connections": points})


async def record(past: Past, cache: Cache) -> None:
    """Add a point every five seconds until cancelled."""
    while True:
        try:
            found = await cache.get("/v1/overview")
            rows = msgspec.json.decode(found.answer.body, type=_Overview).virtual_servers
        except (UnreachableError, msgspec.MsgspecError):  # also an answer that is a problem
            past.miss()
        else:
            past.add({row.name: row.active_connections for row in rows})
        await asyncio.sleep(POINT_SECONDS)
