"""The sequence numbers of auth_hmac: their format and order, and the detection of replays.

A number has 64 bits: UTC seconds (32), 1/65536 s (16), series (8) and a count (8). keepalived reads
the last 16 bits as one counter, which begins at 0 in every 1/65536 s. The two formats are therefore
compatible, and the numbers of keepalived belong to series 0.

Within a series the numbers increase. When the clock of a sender is set back, the sender begins
another series, so that its lower numbers are not taken for replays. A receiver never accepts a
number of a series twice, even if clocks are wrong.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from vrrp.protocol.packet import Address

KEEPALIVED_SERIES: Final = 0
SERIES_MAX: Final = 255

_TICKS_PER_SECOND: Final = 65536
_COUNTER_BITS: Final = 16
_COUNT_BITS: Final = 8
_TICK_BITS: Final = 48
_SEQUENCE_BITS: Final = 64


class SequenceMemory:
    """The highest sequence number of each series of the last ``senders_max`` senders.

    The caller must pass only numbers of authentic messages. Otherwise a sender without a key
    could displace the other senders. A sender has at most 256 series.
    """

    def __init__(self, senders_max: int) -> None:
        self._senders_max = senders_max
        self._marks: OrderedDict[Address, dict[int, int]] = OrderedDict()

    def restore(self, source: Address, sequence: int) -> None:
        """Store a number that an earlier process has received."""
        if source in self._marks or len(self._marks) < self._senders_max:
            self._mark(source, sequence)

    def accept(
        self, source: Address, sequence: int, *, recent: bool, wall: int, window: float, boot: int
    ) -> bool:
        """Store a number, and return True if it is above all earlier numbers of its series.

        A number that is not ``recent`` is stored too, because it may become recent later,
        but it displaces no other sender. ``wall`` is the clock of this host, and ``boot``
        is the time of the boot, both in nanoseconds since 1970. A number from before the
        boot is refused, because an earlier process may have received it.

        keepalived has no series, and its numbers decrease when its clock is set back. The
        highest number of series 0 is therefore ignored if it is outside the window of
        ``wall``.
        """
        series = series_of(sequence)
        mark = self._marks.get(source, {}).get(series)
        if series == KEEPALIVED_SERIES:
            if not recent:
                return True
            if mark is not None and abs(seconds_behind(mark, wall)) > window:
                mark = None
        later = seconds_behind(sequence, boot) >= 0 if mark is None else is_later(sequence, mark)
        known = source in self._marks or len(self._marks) < self._senders_max
        if later and (recent or known):
            self._mark(source, sequence)
        return later

    def _mark(self, source: Address, sequence: int) -> None:
        self._marks.setdefault(source, {})[series_of(sequence)] = sequence
        self._marks.move_to_end(source)
        if len(self._marks) > self._senders_max:
            self._marks.popitem(last=False)


def sequence_at(utc_ns: int, series: int = KEEPALIVED_SERIES) -> int:
    """Return the lowest sequence number of a time, given in nanoseconds since 1970."""
    ticks = utc_ns * _TICKS_PER_SECOND // 1_000_000_000
    return _number(ticks, series)


def next_sequence(last: int | None, utc_ns: int, series: int = KEEPALIVED_SERIES) -> int:
    """Return the number of this time, or the number after ``last`` if the clock is behind it."""
    now = sequence_at(utc_ns, series)
    if last is None or is_later(now, last):
        return now
    if (last + 1) % (1 << _COUNT_BITS) == 0:  # the next number belongs to another series
        return _number((last >> _COUNTER_BITS) + 1, series)
    return last + 1


def series_of(sequence: int) -> int:
    """Return the series of a number."""
    return sequence >> _COUNT_BITS & SERIES_MAX


def is_later(sequence: int, other: int) -> bool:
    """Compare two numbers modulo 2**64 (RFC 1982): the seconds wrap around in the year 2106."""
    return 0 < (sequence - other) % (1 << _SEQUENCE_BITS) < 1 << (_SEQUENCE_BITS - 1)


def seconds_behind(sequence: int, utc_ns: int) -> float:
    """Return how many seconds a clock is behind a sequence number; negative if it is ahead."""
    half = 1 << (_TICK_BITS - 1)
    ticks = (sequence >> _COUNTER_BITS) - (sequence_at(utc_ns) >> _COUNTER_BITS)
    return ((ticks + half) % (2 * half) - half) / _TICKS_PER_SECOND


def _number(ticks: int, series: int) -> int:
    return (ticks << _COUNTER_BITS | series << _COUNT_BITS) & (1 << _SEQUENCE_BITS) - 1
