"""The sequence numbers that auth_hmac sends, and the clock from which they are made."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Final

from vrrp.instance.sequence_file import Sender, SequenceFile
from vrrp.protocol.packet import Address
from vrrp.protocol.sequence import (
    KEEPALIVED_SERIES,
    SERIES_MAX,
    is_later,
    next_sequence,
    seconds_behind,
    series_of,
)

CONTRADICTED_SECONDS: Final = 3
"""Seconds after which the continued time ends if all peers contradict it."""
REOPEN_SECONDS: Final = 10
"""Seconds between attempts to open the file."""

_NANOSECONDS: Final = 1_000_000_000


def since_boot_ns() -> int:
    """Return the nanoseconds since the boot of this host."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class SequenceNumbers:
    """A UTC clock that never runs backwards, and increasing numbers for all instances of a process.

    A time counts as used if a number with it was sent, or if the number of a peer agreed with
    it (`agree`). While the wall clock is behind the latest used time, this clock continues from
    that time at the rate of the monotonic clock (the continued time). Peers therefore still
    accept the messages of this router after its wall clock was stepped back.

    If the wall clock was stepped back, either the old time or the new time is right. Only a
    peer can decide that. If the number of a peer agrees with the wall clock and not with the
    continued time, this clock restarts at the wall clock, and the numbers begin another series
    (`vrrp.protocol.sequence`). The same happens if peers agree with neither time
    (`contradict`). If the two times differ by less than the window, both are good enough. The
    continued time then runs at half the rate until the wall clock has caught up.

    A file stores the last number that was sent, and the highest numbers that were received, for
    the next process (`keep_in`). If the file cannot be written, ``fault`` is the reason, and
    the numbers continue in memory. The next process then begins at the wall clock, in another
    series.

    ``wall``, ``steady`` and ``booted`` return nanoseconds; ``wall`` counts them since 1970, and
    ``booted`` since the boot of the host. ``series`` is the first series.
    """

    def __init__(
        self,
        wall: Callable[[], int] = time.time_ns,
        steady: Callable[[], int] = time.monotonic_ns,
        booted: Callable[[], int] = since_boot_ns,
        series: int | None = None,
    ) -> None:
        self.fault: str | None = None
        self._wall = wall
        self._steady = steady
        self._booted = booted
        self._used: int | None = None  # UTC minus the steady clock, at the latest used time
        self._used_at = 0  # on the steady clock
        self._contradicted_since: int | None = None  # on the steady clock
        self._series = 1 + os.urandom(1)[0] % SERIES_MAX if series is None else series
        self._last: int | None = None
        self._path = ""
        self._file: SequenceFile | None = None
        self._reopen_at = 0

    @property
    def seconds_behind(self) -> float:
        """The lag of the wall clock behind the latest used time, in seconds; 0 without a lag."""
        wall, continued = self.times()
        return max(0.0, (continued - wall) / _NANOSECONDS)

    @property
    def boot(self) -> int:
        """The time at which this host was booted, in nanoseconds by the wall clock."""
        return self._wall() - self._booted()

    def times(self) -> tuple[int, int]:
        """Return the wall clock and the continued time, which differ after a step back."""
        wall = self._wall()
        return wall, wall if self._used is None else max(wall, self._steady() + self._used)

    def agree(self, sequence: int, window: float) -> bool:
        """Use the number of an accepted message of a peer to confirm one of the two times.

        Return True if the clock restarts at the wall clock, because the peer agrees with
        the wall clock.
        """
        wall, continued = self.times()
        self._contradicted_since = None
        if continued > wall and abs(seconds_behind(sequence, continued)) > window:
            self._follow_wall()
            return True
        self._use(window)
        return False

    def contradict(self, sequence: int, window: float) -> bool:
        """Use the number of a message that is too old or too new for both times.

        Return True if the clock restarts at the wall clock. It does if the continued time
        is outside the window of the wall clock, and for `CONTRADICTED_SECONDS` peers have
        contradicted it and no peer has agreed with it. A possible cause is that the clocks
        of both hosts were ahead, by different times, and are right again.
        """
        steady = self._steady()
        if self.seconds_behind <= window or series_of(sequence) == KEEPALIVED_SERIES:
            self._contradicted_since = None
            return False
        if self._contradicted_since is None:
            self._contradicted_since = steady
        if steady - self._contradicted_since < CONTRADICTED_SECONDS * _NANOSECONDS:
            return False
        self._follow_wall()
        return True

    def keep_in(self, path: str) -> None:
        """Continue after the number in this file, and store all further numbers in it."""
        if path == "" or (self._file is not None and self._file.is_at(path)):
            return
        self._path, self._reopen_at = path, 0
        self._open()

    def next(self, window: float) -> int:
        """Return the next number, and store it."""
        self._use(window)
        _, now = self.times()
        self._last = number = next_sequence(self._last, now, self._series)
        if self._file is None and self._path and self._steady() >= self._reopen_at:
            self._open()
        if self._file is not None:
            self._store(lambda file: file.write_sent(number))
        return number

    def known_numbers(self, virtual_router_id: int) -> Iterator[tuple[Address, int]]:
        """Return the senders of a virtual router and their highest numbers from the file."""
        kept = {} if self._file is None else self._file.received
        for (sender, _), sequence in kept.items():
            if sender.virtual_router_id == virtual_router_id:
                yield sender.address, sequence

    def store_known(self, virtual_router_id: int, source: Address, sequence: int) -> None:
        """Store the highest number of a sender."""
        sender = Sender(virtual_router_id, source)
        self._store(lambda file: file.write_known(sender, sequence))

    def _follow_wall(self) -> None:
        self._used_at = self._steady()
        self._used = self._wall() - self._used_at
        self._last = None
        self._series = self._series % SERIES_MAX + 1
        self._contradicted_since = None

    def _use(self, window: float) -> None:
        wall, continued = self.times()
        steady = self._steady()
        if 0 < continued - wall <= window * _NANOSECONDS:
            continued = max(wall, continued - (steady - self._used_at) // 2)
        self._used, self._used_at = continued - steady, steady

    def _open(self) -> None:
        """Open the file, and continue after its number if that is later than the last one."""
        self._reopen_at = self._steady() + REOPEN_SECONDS * _NANOSECONDS
        try:
            opened = SequenceFile(self._path)
        except OSError as error:
            self.fault = error.strerror
            return
        if self._file is not None:
            self._file.close()
        self._file, self.fault = opened, None
        kept = opened.sent
        if kept is None or (self._last is not None and is_later(self._last, kept)):
            return
        self._last, self._series = kept, series_of(kept)
        behind = round(seconds_behind(kept, self._wall()) * _NANOSECONDS)
        self._used_at = self._steady()
        self._used = self._wall() + behind - self._used_at

    def _store(self, write: Callable[[SequenceFile], None]) -> None:
        if self._file is None:
            return
        try:
            write(self._file)
        except OSError as error:  # tried again with the next number
            self.fault = error.strerror
        else:
            self.fault = None
