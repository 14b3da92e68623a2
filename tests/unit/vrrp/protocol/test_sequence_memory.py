"""Sequence numbers of auth_hmac: their order, their series, and which of them are replays."""

from __future__ import annotations

from ipaddress import IPv4Address

from vrrp.protocol.packet import Address
from vrrp.protocol.sequence import (
    SequenceMemory,
    is_later,
    next_sequence,
    seconds_behind,
    sequence_at,
    series_of,
)

SECOND = 1_000_000_000
NOON = 0x6B037CA9 * SECOND
SENDERS = [IPv4Address(f"10.99.0.{number}") for number in range(1, 6)]
ONE = SENDERS[0]


class Receiver:
    """A memory, and the clock of its host. The window is 5 s, and the host runs for an hour."""

    def __init__(self) -> None:
        self.memory = SequenceMemory(4)
        self.wall = NOON
        self.uptime = 3600 * SECOND

    def accepts(self, sequence: int, source: Address = ONE) -> bool:
        recent = abs(seconds_behind(sequence, self.wall)) <= 5
        later = self.memory.accept(
            source,
            sequence,
            recent=recent,
            wall=self.wall,
            window=5.0,
            boot=self.wall - self.uptime,
        )
        return recent and later


def at(seconds: float, series: int = 7) -> int:
    return sequence_at(NOON + round(seconds * SECOND), series)


def test_a_sequence_number_is_utc_in_ticks_a_series_and_a_count() -> None:
    """2026-11-22 23:37:13.5 UTC is 0x6b037ca9.8000."""
    assert sequence_at(1_795_390_633_500_000_000) == 0x6B037CA980000000
    assert sequence_at(1_795_390_633_500_000_000, 7) == 0x6B037CA980000700
    assert series_of(0x6B037CA980000701) == 7


def test_numbers_grow_while_the_clock_stands_or_is_stepped_back() -> None:
    """They continue from the last number until the clock is ahead of it."""
    assert next_sequence(None, 5 * SECOND) == 0x0000000500000000
    assert next_sequence(0x0000000500000000, 5 * SECOND) == 0x0000000500000001
    assert next_sequence(0x000000050000FFFF, 2 * SECOND) == 0x0000000500010000
    assert next_sequence(0x0000000500010000, 6 * SECOND) == 0x0000000600000000
    assert seconds_behind(0x0000000500010000, 2 * SECOND) == 3 + 1 / 65536
    assert seconds_behind(0x0000000500000000, 7 * SECOND) == -2


def test_numbers_stay_in_their_series_when_the_count_is_full() -> None:
    assert next_sequence(0x00000005000007FF, 2 * SECOND, 7) == 0x0000000500010700


def test_numbers_compare_across_2038_and_2106() -> None:
    """In 2038 the top bit of the seconds is set; in 2106 they start at 0 again."""
    assert is_later(0x80000000_00000000, 0x7FFFFFFF_FFFF0000)
    assert is_later(0x00000000_00000000, 0xFFFFFFFF_FFFF0000)
    assert not is_later(0xFFFFFFFF_FFFF0000, 0x00000000_00000000)
    assert next_sequence(0xFFFFFFFF_FFFF00FF, 0xFFFFFFFF * SECOND) == 0
    assert next_sequence(0xFFFFFFFF_FFFF0000, (1 << 32) * SECOND) == 0
    assert seconds_behind(0x0000000200000000, 0xFFFFFFFF * SECOND) == 3


def test_a_number_is_accepted_once() -> None:
    receiver = Receiver()
    assert receiver.accepts(at(0.0))
    assert not receiver.accepts(at(0.0))
    assert receiver.accepts(at(0.1))
    assert not receiver.accepts(at(0.0))


def test_a_series_that_begins_anew_is_accepted_and_the_old_one_never_again() -> None:
    """The clocks of both were an hour ahead, and are corrected."""
    receiver = Receiver()
    receiver.wall += 3600 * SECOND
    assert receiver.accepts(at(3600.0, 7))
    assert receiver.accepts(at(3601.0, 7))
    receiver.wall -= 3600 * SECOND
    assert receiver.accepts(at(0.0, 8))
    receiver.wall += 3600 * SECOND
    assert not receiver.accepts(at(3601.0, 7)), "an hour later its time has come"
    assert receiver.accepts(at(3600.5, 8))


def test_a_number_that_was_heard_too_early_is_not_accepted_when_its_time_comes() -> None:
    """The clock of the sender was ahead, and somebody has recorded its messages."""
    receiver = Receiver()
    assert receiver.accepts(at(0.0, 7))
    assert not receiver.accepts(at(3600.0, 7)), "stale"
    assert receiver.accepts(at(1.0, 8))
    receiver.wall += 3600 * SECOND
    assert not receiver.accepts(at(3600.0, 7))


def test_the_mark_of_a_keepalived_is_forgotten_outside_the_window() -> None:
    """Keepalived 2.4.3 lowers its numbers when its clock is corrected."""
    receiver = Receiver()
    receiver.wall += 3600 * SECOND
    assert receiver.accepts(at(3600.0, 0))
    receiver.wall -= 3600 * SECOND
    assert receiver.accepts(at(0.0, 0))
    assert not receiver.accepts(at(0.0, 0))


def test_an_unknown_number_from_before_the_boot_is_not_accepted() -> None:
    """A process before the boot may have accepted it; nobody remembers that."""
    receiver = Receiver()
    receiver.uptime = 2 * SECOND
    assert not receiver.accepts(at(-3.0))
    assert receiver.accepts(at(-1.0))


def test_numbers_of_an_earlier_process_are_remembered() -> None:
    receiver = Receiver()
    receiver.memory.restore(ONE, at(0.5))
    assert not receiver.accepts(at(0.5))
    assert receiver.accepts(at(0.6))


def test_four_senders_are_remembered() -> None:
    """The sender that was silent longest is forgotten when a fifth authentic sender appears."""
    receiver = Receiver()
    assert all(receiver.accepts(at(0.0), sender) for sender in SENDERS[:4])
    assert receiver.accepts(at(0.1), ONE)
    assert not receiver.accepts(at(0.0), SENDERS[1])
    assert not receiver.accepts(at(-100.0), SENDERS[4]), "an old number displaces nobody"
    assert not receiver.accepts(at(0.1), ONE)
    assert receiver.accepts(at(0.0), SENDERS[4])
    assert not receiver.accepts(at(0.1), ONE)
    assert receiver.accepts(at(0.0), SENDERS[1]), "forgotten"
