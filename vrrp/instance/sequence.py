"""The clock of auth_hmac, and the sequence numbers that it sends."""

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
    """UTC that never runs backwards, and increasing numbers for all instances of a process.

    A time has been used if a number with it was sent, or if the clock of a peer agreed with it
    (`agree`). While the wall clock is behind a time that has been used, the time continues from
    there at the rate of the monotonic clock. So peers whose clocks were not stepped back still
    accept the messages of this router.

    The last number is stored in a mapped file before it is used. Writing it needs no system call,
    and it stays in the page cache when the process is killed. So a number is never repeated or
    lower, even if the clock is stepped back between two runs. The file must be on a tmpfs such as
    /run: on a disk, writeback can block the process.

    ``wall`` and ``steady`` return nanoseconds; ``wall`` counts them since 1970.
    """

    def __init__(
        self,
        wall: Callable[[], int] = time.time_ns,
        steady: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._wall = wall
        self._steady = steady
        self._used: int | None = None  # UTC minus the steady clock, at the latest used time
        self._last: bytearray | mmap.mmap = bytearray(_BYTES)
        self._path = ""

    @property
    def seconds_behind(self) -> float:
        """How many seconds the wall clock is behind the latest used time; 0 if it is not."""
        _, continued = self.times()
        return max(0.0, (continued - self._wall()) / _NANOSECONDS)

    def times(self) -> tuple[int, int]:
        """Return the wall clock, and the time if the wall clock was stepped back by mistake."""
        wall = self._wall()
        return wall, wall if self._used is None else max(wall, self._steady() + self._used)

    def agree(self) -> None:
        """Note that the clock of a peer agrees with the current time."""
        _, now = self.times()
        self._used = now - self._steady()

    def keep_in(self, path: str) -> None:
        """Continue after the number in this file, and store each number there. Raises OSError.

        A file with a wrong length is replaced.
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
        """Return the next number, and store it."""
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
