"""The sequence numbers of auth_hmac over restarts and stepped clocks."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from vrrp.instance.sequence import SequenceNumbers

SECOND = 1_000_000_000
NOON = 1_795_390_633 * SECOND  # 0x6b037ca9


class Clock:
    """A wall clock that shows the value of ``now``."""

    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


def numbers_at(now: int) -> SequenceNumbers:
    """Numbers whose steady clock stands still."""
    return SequenceNumbers(Clock(now), Clock(7))


def started(path: Path, now: int) -> SequenceNumbers:
    numbers = numbers_at(now)
    numbers.keep_in(str(path))
    return numbers


def test_a_restart_within_one_tick_repeats_no_number(tmp_path: Path) -> None:
    """Even in the same 1/65536 s, and without closing the file."""
    path = tmp_path / "sequence"
    assert started(path, NOON).next() == 0x6B037CA900000000
    assert started(path, NOON).next() == 0x6B037CA900000001


def test_a_clock_stepped_back_before_a_restart_lowers_no_number(tmp_path: Path) -> None:
    """The numbers continue, and `seconds_behind` is the difference of the clock."""
    path = tmp_path / "sequence"
    started(path, NOON).next()
    after = started(path, NOON - 3600 * SECOND)
    assert after.seconds_behind == 3600
    assert after.next() == 0x6B037CA900000001
    assert started(path, NOON + 2 * SECOND).next() == 0x6B037CAB00000000


def test_time_runs_on_when_the_clock_is_stepped_back_after_a_number() -> None:
    """At the rate of the steady clock, until the wall clock is ahead again."""
    wall, steady = Clock(NOON), Clock(0)
    numbers = SequenceNumbers(wall, steady)
    assert numbers.next() == 0x6B037CA900000000
    wall.now -= 7200 * SECOND
    steady.now += 3 * SECOND
    assert numbers.times() == (NOON - 7200 * SECOND, NOON + 3 * SECOND)
    assert numbers.next() == 0x6B037CAC00000000
    wall.now += 7204 * SECOND
    assert numbers.next() == 0x6B037CAD00000000
    assert numbers.seconds_behind == 0


def test_a_clock_that_was_never_used_may_be_set_back() -> None:
    """A BACKUP router that started two hours ahead has sent nothing, so no number was used."""
    wall, steady = Clock(NOON + 7200 * SECOND), Clock(0)
    numbers = SequenceNumbers(wall, steady)
    numbers.times()
    wall.now -= 7200 * SECOND
    assert numbers.times() == (NOON, NOON)
    numbers.agree()
    wall.now -= 60 * SECOND
    assert numbers.times() == (NOON - 60 * SECOND, NOON)


def test_numbers_from_before_the_file_count_too(tmp_path: Path) -> None:
    """For example, when the directory of the file was missing at first."""
    numbers = numbers_at(NOON)
    with pytest.raises(FileNotFoundError):
        numbers.keep_in(str(tmp_path / "missing" / "sequence"))
    assert numbers.next() == 0x6B037CA900000000
    numbers.keep_in(str(tmp_path / "sequence"))
    assert started(tmp_path / "sequence", NOON - SECOND).next() == 0x6B037CA900000001


def test_numbers_continue_after_the_higher_one_of_file_and_memory(tmp_path: Path) -> None:
    path = tmp_path / "sequence"
    started(path, NOON + 10 * SECOND).next()
    numbers = numbers_at(NOON)
    numbers.next()
    numbers.keep_in(str(path))
    assert numbers.next() == 0x6B037CB300000001


@pytest.mark.parametrize("content", [b"", b"1234567", b"123456789", bytes(8)])
def test_a_file_with_a_wrong_length_is_replaced(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "sequence"
    path.write_bytes(content)
    assert started(path, NOON).next() == 0x6B037CA900000000
    assert path.read_bytes() == bytes.fromhex("6b037ca900000000")


def test_the_file_is_private_and_no_link_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "sequence"
    started(path, NOON)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(OSError, match="symbolic"):
        started(tmp_path / "link", NOON)


def test_without_a_file_the_numbers_follow_the_clock() -> None:
    numbers = numbers_at(NOON)
    numbers.keep_in("")
    assert numbers.seconds_behind == 0
    assert [numbers.next(), numbers.next()] == [0x6B037CA900000000, 0x6B037CA900000001]
