"""The time by which auth_hmac goes, and the sequence numbers it sends."""

from __future__ import annotations

import mmap
import os
import time
from collections.abc import Callable
from typing import Final

from vrrp.protocol.authentication import is_later, next_sequence, seconds_behind

_BYTES: Final = 8
_NANOSECONDS: Final = 1_000_000_000


class SequenceNumbers:
    """UTC that never goes back, and one row of numbers for all instances of a process.

    While the wall clock is behind a time that has been used, time runs on from there at the
    pace of the monotonic clock: peers whose clocks were not stepped go on believing us. Used is a
    time when a number was sent, and when a peer's agreed with it (`agree`).

    The last number lies in a mapped file, written before the number is used: a process that is
    killed leaves it in the kernel's page cache, and writing it is a store to memory, no system
    call. So neither a restart nor a clock that was stepped back in between repeats or lowers a
    number. The file belongs on a tmpfs, as /run is: on a disk, writing back may hold up the store.

    ``wall`` and ``steady`` are clocks of nanoseconds, the first one's since 1970.
    """

    def __init__(
        self,
        wall: Callable[[], int] = time.time_ns,
        steady: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._wall = wall
        self._steady = steady
        self._used: int | None = None  # UTC minus the steady clock, when it was last used
        self._last: bytearray | mmap.mmap = bytearray(_BYTES)
        self._path = ""

    @property
    def seconds_behind(self) -> float:
        """Seconds by which the wall clock is behind the time that has been used; 0: it is not."""
        _, running_on = self.times()
        return max(0.0, (running_on - self._wall()) / _NANOSECONDS)

    def times(self) -> tuple[int, int]:
        """What time it may be: by the wall clock, and if it was stepped back wrongly."""
        wall = self._wall()
        return wall, wall if self._used is None else max(wall, self._steady() + self._used)

    def agree(self) -> None:
        """Take note that a peer's clock agrees with ours."""
        _, now = self.times()
        self._used = now - self._steady()

    def keep_in(self, path: str) -> None:
        """Go on where the file ends, and keep it up to date from now on. Raises OSError.

        A file of another length is none of ours, or half made; it is begun anew.
        """
        if path in ("", self._path):
            return
        mapped = _open(path)
        last, self._last = self._read(), mapped
        kept = self._read()
        if last is not None and (kept is None or is_later(last, kept)):
            self._write(last)
        elif kept is not None:
            wall = self._wall()
            behind = round(seconds_behind(kept, wall) * _NANOSECONDS)
            if behind > 0:
                self._used = wall + behind - self._steady()
        self._path = path

    def next(self) -> int:
        """Take the next number."""
        self.agree()
        _, now = self.times()
        number = next_sequence(self._read(), now)
        self._write(number)
        return number

    def _read(self) -> int | None:
        return int.from_bytes(self._last[:_BYTES], "big") or None

    def _write(self, number: int) -> None:
        self._last[:_BYTES] = number.to_bytes(_BYTES, "big")


def _open(path: str) -> mmap.mmap:
    opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        if os.fstat(opened).st_size != _BYTES:
            os.ftruncate(opened, 0)
            os.ftruncate(opened, _BYTES)
        return mmap.mmap(opened, _BYTES)
    finally:
        os.close(opened)
