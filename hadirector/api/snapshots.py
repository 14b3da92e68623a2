"""Keeps the latest status of the director in memory, so that a short answer needs no other work.

A status reads the table of the kernel, which takes long with many real servers. It is read again
when a client asks and the latest status is old. No client waits for a status that is recent.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Final

import msgspec
from msgspec.structs import replace

from hadirector.dataplane.slices import Slices
from hadirector.status.overview import (
    MemberCounts,
    VirtualServerOverview,
    instance_overview,
    problems_by_object,
    virtual_server_overview,
)
from hadirector.status.report import Status
from hadirector.status.verdict import Problem

FRESH_SECONDS: Final = 0.5
"""A status of this age is answered without a new reading."""
RECENT_SECONDS: Final = 2.5
"""A status of this age is answered at once, while a new status is being read."""
QUICK_SECONDS: Final = 0.05
"""If a reading takes less time, a client waits for it."""


class Snapshot:
    """A status of the director, with data that is derived from it.

    ``read_at`` is in monotonic seconds. ``generation`` is the number of the latest snapshot
    whose content differs from its predecessor in more than ages.
    """

    def __init__(
        self, status: Status, rows: Mapping[str, VirtualServerOverview], read_at: float
    ) -> None:
        self.status = status
        self.rows = rows
        self.read_at = read_at
        self.problems: Mapping[str, list[Problem]] = problems_by_object(status)
        self.generation = 0

    @property
    def age(self) -> float:
        """The age in seconds."""
        return monotonic() - self.read_at

    def content(self) -> bytes:
        """Return the content without ages, to compare it with another snapshot."""
        status = self.status
        instances = [replace(instance_overview(each), state_age=None) for each in status.instances]
        verdict = status.verdict
        problems = [replace(each, age=None) for each in verdict.problems] if verdict else []
        others = (status.blind, status.unfit, status.processes)
        return msgspec.json.encode([instances, problems, list(self.rows.values()), others])


class Snapshots:
    """The latest snapshot. Only one status is being read at a time."""

    def __init__(self, read_status: Callable[[], Awaitable[Status]]) -> None:
        self._read_status = read_status
        self._latest: Snapshot | None = None
        self._content = b""
        self._reading: asyncio.Task[Snapshot] | None = None
        self._seconds = 0.0  # how long the latest reading has taken

    async def current(self) -> Snapshot:
        """Return a snapshot that is at most a few seconds old. Raises DataplaneError."""
        latest = self._latest
        if latest is not None and latest.age < FRESH_SECONDS:
            return latest
        if self._reading is None:
            self._reading = asyncio.create_task(self._read(), name="snapshot")
            self._reading.add_done_callback(self._note_end)
        if latest is not None and latest.age < RECENT_SECONDS and self._seconds > QUICK_SECONDS:
            return latest
        return await asyncio.shield(self._reading)

    def expire(self) -> None:
        """Let the next client wait for a new status, because something was changed."""
        if self._latest is not None:
            self._latest.read_at = -math.inf

    async def _read(self) -> Snapshot:
        began = monotonic()
        status = await self._read_status()
        problems = problems_by_object(status)
        rows = {}
        slices = Slices(rest=True)
        for server in status.virtual_servers:
            counts = MemberCounts()
            for member in server.real_servers:
                counts.add(member)
                await slices.pause()
            own = problems.get(server.name, ())
            rows[server.name] = virtual_server_overview(server, counts, own)
        snapshot = Snapshot(status, rows, began)
        content = snapshot.content()
        before = self._latest.generation if self._latest else 0
        snapshot.generation = before if content == self._content else before + 1
        self._content = content
        self._seconds = monotonic() - began
        self._latest = snapshot
        return snapshot

    def _note_end(self, reading: asyncio.Task[Snapshot]) -> None:
        self._reading = None
        if not reading.cancelled():
            reading.exception()  # a client that waits gets it
