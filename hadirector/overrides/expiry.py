"""Operators' orders as they lie on disk, and what becomes of their times on the way there and back.

Pure. In memory times are monotonic, so that a step of the clock changes no order. On disk they are
the time of day, for monotonic time begins anew at every boot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from hadirector.overrides.model import Override

STEP_SECONDS: Final = 0.5
"""A clock that has moved by more was set. Slewing moves both clocks (clock_gettime(2))."""


class Moment(msgspec.Struct, frozen=True):
    """One moment by both clocks, in seconds: since the epoch, and since some time in this boot."""

    boot: str
    utc: float
    monotonic: float

    @property
    def offset(self) -> float:
        """What to add to monotonic time for the time of day, as it was known then."""
        return self.utc - self.monotonic


class StoredOverrides(msgspec.Struct, frozen=True):
    """The content of the file. The times of the orders are seconds since the epoch."""

    version: Literal[1]
    written: Moment
    orders: tuple[Override, ...]


def kept(orders: Iterable[Override], now: Moment) -> StoredOverrides:
    """Write orders down."""
    return StoredOverrides(
        1, now, tuple(_moved(each, lambda at: at + now.offset) for each in orders)
    )


def restored(found: StoredOverrides, now: Moment) -> tuple[Override, ...]:
    """Read orders again.

    In the boot in which they were written the clock does not matter. After a reboot it does, but
    one that is behind gives no order more time than it had when it was written.
    """
    if found.written.boot == now.boot:
        return tuple(_moved(each, lambda at: at - found.written.offset) for each in found.orders)
    passed = max(0.0, now.utc - found.written.utc)
    return tuple(
        _moved(each, lambda at: now.monotonic + (at - found.written.utc) - passed)
        for each in found.orders
    )


def is_outdated(found: StoredOverrides, now: Moment) -> bool:
    """Whether the clock was set since, so that a reboot would misread the times."""
    timed = any(each.expires_at is not None or each.deadline is not None for each in found.orders)
    return timed and abs(found.written.offset - now.offset) > STEP_SECONDS


def _moved(order: Override, move: Callable[[float], float]) -> Override:
    return replace(
        order,
        expires_at=None if order.expires_at is None else move(order.expires_at),
        deadline=None if order.deadline is None else move(order.deadline),
    )
