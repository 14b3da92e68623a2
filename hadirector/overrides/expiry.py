"""Converts the times of overrides between memory and disk. Pure.

In memory they are monotonic, so a change of the clock does not affect them. On disk they are
seconds since the epoch, because monotonic time starts again at every boot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from hadirector.overrides.model import Override

STEP_SECONDS: Final = 0.5
"""A larger change of the offset means that the clock was set. Slewing changes both clocks
(clock_gettime(2))."""


class Moment(msgspec.Struct, frozen=True):
    """One moment on both clocks: seconds since the epoch, and monotonic seconds of this boot."""

    boot: str
    utc: float
    monotonic: float

    @property
    def offset(self) -> float:
        """The difference of the clocks at this moment: the UTC time minus the monotonic time."""
        return self.utc - self.monotonic


class StoredOverrides(msgspec.Struct, frozen=True):
    """The content of the file. The times of the overrides are seconds since the epoch."""

    version: Literal[1]
    written: Moment
    overrides: tuple[Override, ...]


def serialize(overrides: Iterable[Override], now: Moment) -> StoredOverrides:
    """Return the content of the file for these overrides."""
    return StoredOverrides(
        1, now, tuple(_shift(override, lambda at: at + now.offset) for override in overrides)
    )


def restore(found: StoredOverrides, now: Moment) -> tuple[Override, ...]:
    """Return the overrides of a file.

    If the file is from this boot, later changes of the UTC clock have no effect. After a reboot,
    the UTC clock decides how much time has passed. A clock that was set back counts as no time.
    """
    if found.written.boot == now.boot:
        offset = found.written.offset
        return tuple(_shift(override, lambda at: at - offset) for override in found.overrides)
    passed = max(0.0, now.utc - found.written.utc)
    return tuple(
        _shift(override, lambda at: now.monotonic + (at - found.written.utc) - passed)
        for override in found.overrides
    )


def needs_rewrite(found: StoredOverrides, now: Moment) -> bool:
    """Return whether the clock was set after the file was written, so that its times are wrong."""
    timed = any(
        override.expires_at is not None or override.deadline is not None
        for override in found.overrides
    )
    return timed and abs(found.written.offset - now.offset) > STEP_SECONDS


def _shift(override: Override, shift: Callable[[float], float]) -> Override:
    return replace(
        override,
        expires_at=None if override.expires_at is None else shift(override.expires_at),
        deadline=None if override.deadline is None else shift(override.deadline),
    )
