"""Holds the pause of an operator until it is removed or ends.

It is in ``pause.json`` in the state directory, so it survives reloads, restarts and reboots. It
takes effect after it is on the disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import monotonic
from typing import Final

import msgspec
import structlog

from hadirector import storage
from hadirector.overrides.expiry import Moment
from hadirector.overrides.pause import (
    Pause,
    PauseRequest,
    StoredPause,
    pause_needs_rewrite,
    restore_pause,
)

FILE: Final = "pause.json"
PASS_SECONDS: Final = 60.0
"""The longest time between two looks at the clock while a pause is in force."""
RETRY_SECONDS: Final = 5.0


class PauseChanged(msgspec.Struct, frozen=True):
    """A pause has begun, changed or ended."""


class PauseStore:
    """Holds the pause in force, or None in ``current``. ``put`` gets a message for every change."""

    def __init__(
        self, state_directory: Path, put: Callable[[PauseChanged], Awaitable[None]]
    ) -> None:
        self._path = state_directory / FILE
        self._put = put
        self._storing = asyncio.Lock()
        self._changed = asyncio.Event()
        self._log = structlog.get_logger()
        self._stored = self._read()
        self.current: Pause | None = restore_pause(self._stored, _now())

    async def set(self, request: PauseRequest, actor: str) -> Pause:
        """Begin a pause, or replace the current one. Raises OSError if it cannot be stored."""
        pause = request.pause(actor, _now())
        async with self._storing:
            await self._store(pause)
        self._log.warning(
            "pause_ordered",
            actor=actor,
            reason=pause.reason,
            elections=pause.elections,
            seconds=request.expires_in,
        )
        await self._put(PauseChanged())
        return pause

    async def end(self, actor: str, reason: str) -> Pause | None:
        """End the pause, and return it; None without a pause. Raises OSError."""
        async with self._storing:
            ended = self.current
            if ended is None:
                return None
            await self._store(None)
        self._log.info("pause_ended", actor=actor, reason=reason)
        await self._put(PauseChanged())
        return ended

    async def run(self) -> None:
        """End the pause at its time, until cancelled. Meanwhile follow changes of the clock."""
        while True:
            self._changed.clear()
            pause = self.current
            seconds = None if pause is None else pause.ends_at - monotonic()
            if seconds is not None and seconds <= 0:
                await self._expire()
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if seconds is None else min(seconds, PASS_SECONDS)):
                    await self._changed.wait()
            with contextlib.suppress(OSError):  # the next pass tries again
                await self._follow_clock()

    async def _expire(self) -> None:
        try:
            await self.end("", "the time of the pause is over")
        except OSError as error:
            # The decisions continue anyway: the file has the same end.
            self._log.error("pause_not_removed", error=str(error))
            self.current = None
            await self._put(PauseChanged())
            await asyncio.sleep(RETRY_SECONDS)

    async def _follow_clock(self) -> None:
        """Write the file again if the clock was set."""
        if pause_needs_rewrite(self._stored, _now()):
            async with self._storing:
                await self._store(self.current)

    async def _store(self, pause: Pause | None) -> None:
        """Store the pause, then put it in force. Raises OSError."""
        content = StoredPause(1, _now(), pause)
        await asyncio.to_thread(storage.store_durably, self._path, content)
        self._stored, self.current = content, pause
        self._changed.set()

    def _read(self) -> StoredPause:
        """Return the content of the file. An unusable file is set aside. Raises OSError."""
        try:
            found = storage.read(self._path, StoredPause)
        except storage.StateError as error:
            aside = storage.set_aside(self._path)
            self._log.error("pause_unusable", error=str(error), kept_as=str(aside))
            found = None
        return StoredPause(1, _now(), None) if found is None else found


def _now() -> Moment:
    utc = time.time()  # noqa: TID251  # written to the file, which outlives the boot
    return Moment(storage.boot_id(), utc, monotonic())
