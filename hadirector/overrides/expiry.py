"""Converts the times of overrides between memory and disk. Pure.

In memory they are monotonic, so a change of the clock does not affect them. On disk they are
seconds since the epoch, because monotonic time starts again at every boot.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from hadirector.overrides.model import Override
from hadirector.overrides.registers import Registers, Removal
from hadirector.overrides.stamp import Counters, Stamp, highest_counters

STEP_SECONDS: Final = 0.5
"""A larger change of the offset means that the clock was set. Slewing changes both clocks
(clock_gettime(2))."""


class Moment(msgspec.Struct, frozen=True):
    """One moment on two clocks: seconds since the epoch, and monotonic seconds of this boot."""

    boot: str
    utc: float
    monotonic: float

    @property
    def offset(self) -> float:
        """The wall clock minus the monotonic clock at this moment, in seconds."""
        return self.utc - self.monotonic


class StoredOverrides(msgspec.Struct, frozen=True):
    """The content of the file. The times are seconds since the epoch.

    Version 0.1.0 wrote only the overrides, and reads nothing else.
    """

    version: Literal[1]
    written: Moment
    overrides: tuple[Override, ...]
    removals: tuple[Removal, ...] = ()
    counters: Counters = {}


def serialize(registers: Registers, now: Moment) -> StoredOverrides:
    """Return the content of the file for these overrides and their removals."""

    def to_utc(at: float) -> float:
        return at + now.offset

    return StoredOverrides(
        1,
        now,
        tuple(_shift(override, to_utc) for override in registers.overrides.values()),
        tuple(_shift_removal(removal, to_utc) for removal in registers.removals.values()),
        registers.counters,
    )


def restore(found: StoredOverrides, now: Moment) -> Registers:
    """Return the overrides and removals of a file, with monotonic times.

    If the file is from this boot, a later step of the wall clock has no effect. After a reboot,
    the wall clock decides how much time has passed. If it was set back, no time counts as
    passed. Counters beyond the limit, which earlier builds have written, are left out.
    """
    shift = _to_monotonic(found.written, now)
    overrides = [
        replace(_shift(override, shift), stamp=_limit(override.stamp))
        for override in found.overrides
    ]
    removals = [
        replace(_shift_removal(removal, shift), stamp=removal.stamp.limit())
        for removal in found.removals
    ]
    return Registers(
        {override.name: override for override in overrides},
        {removal.name: removal for removal in removals},
        highest_counters(found.counters),
    )


def _to_monotonic(written: Moment, now: Moment) -> Callable[[float], float]:
    if written.boot == now.boot:
        return lambda at: at - written.offset
    passed = max(0.0, now.utc - written.utc)
    return lambda at: now.monotonic + (at - written.utc) - passed


def needs_rewrite(found: StoredOverrides, now: Moment) -> bool:
    """Return whether the wall clock was set since the file was written.

    The times in the file are then wrong.
    """
    timed = any(
        override.expires_at is not None or override.deadline is not None
        for override in found.overrides
    )
    return timed and abs(found.written.offset - now.offset) > STEP_SECONDS


def _shift(override: Override, shift: Callable[[float], float]) -> Override:
    return replace(
        override,
        set_at=None if override.set_at is None else shift(override.set_at),
        expires_at=None if override.expires_at is None else shift(override.expires_at),
        deadline=None if override.deadline is None else shift(override.deadline),
    )


def _shift_removal(removal: Removal, shift: Callable[[float], float]) -> Removal:
    return replace(removal, removed_at=shift(removal.removed_at))


def _limit(stamp: Stamp | None) -> Stamp | None:
    return None if stamp is None else stamp.limit()
