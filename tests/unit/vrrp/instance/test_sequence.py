"""The sequence numbers of auth_hmac over restarts and stepped clocks."""

from __future__ import annotations

import os
import stat
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest

from vrrp.instance.sequence import SequenceNumbers
from vrrp.instance.sequence_file import RECORDS_MAX
from vrrp.protocol.packet import Address
from vrrp.protocol.sequence import series_of

SECOND = 1_000_000_000
THEIRS = IPv4Address("10.99.0.1")
NOON = 1_795_390_633 * SECOND  # 0x6b037ca9


class Clock:
    """A wall clock that shows the value of ``now``."""

    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


WINDOW = 5.0


def numbers_at(now: int) -> SequenceNumbers:
    """Numbers of series 7 whose steady clock stands still."""
    return SequenceNumbers(Clock(now), Clock(7), Clock(3600 * SECOND), series=7)


def started(path: Path, now: int) -> SequenceNumbers:
    numbers = numbers_at(now)
    numbers.keep_in(str(path))
    return numbers


def test_a_restart_within_one_tick_repeats_no_number(tmp_path: Path) -> None:
    """Even in the same 1/65536 s, and without closing the file."""
    path = tmp_path / "sequence"
    assert started(path, NOON).next(WINDOW) == 0x6B037CA900000700
    assert started(path, NOON).next(WINDOW) == 0x6B037CA900000701


def test_a_clock_stepped_back_before_a_restart_lowers_no_number(tmp_path: Path) -> None:
    """The numbers continue, and `seconds_behind` is the difference of the clock."""
    path = tmp_path / "sequence"
    started(path, NOON).next(WINDOW)
    after = started(path, NOON - 3600 * SECOND)
    assert after.seconds_behind == 3600
    assert after.next(WINDOW) == 0x6B037CA900000701
    assert started(path, NOON + 2 * SECOND).next(WINDOW) == 0x6B037CAB00000700


def test_time_runs_on_when_the_clock_is_stepped_back_after_a_number() -> None:
    """At the rate of the steady clock, until the wall clock is ahead again."""
    wall, steady = Clock(NOON), Clock(0)
    numbers = SequenceNumbers(wall, steady, series=7)
    assert numbers.next(WINDOW) == 0x6B037CA900000700
    wall.now -= 7200 * SECOND
    steady.now += 3 * SECOND
    assert numbers.times() == (NOON - 7200 * SECOND, NOON + 3 * SECOND)
    assert numbers.next(WINDOW) == 0x6B037CAC00000700
    wall.now += 7204 * SECOND
    assert numbers.next(WINDOW) == 0x6B037CAD00000700
    assert numbers.seconds_behind == 0


def test_a_small_step_back_is_followed_at_half_the_rate() -> None:
    """So the numbers increase, and peers see no skew after a while."""
    wall, steady = Clock(NOON), Clock(0)
    numbers = SequenceNumbers(wall, steady, series=7)
    numbers.next(WINDOW)
    wall.now -= 4 * SECOND
    behind = []
    for _ in range(5):
        behind.append(numbers.seconds_behind)
        wall.now += 2 * SECOND
        steady.now += 2 * SECOND
        numbers.next(WINDOW)
    assert behind == [4, 3, 2, 1, 0]


def test_a_peer_confirms_that_a_clock_was_ahead() -> None:
    """The numbers begin again at the wall clock, in another series."""
    wall, steady = Clock(NOON + 3600 * SECOND), Clock(0)
    numbers = SequenceNumbers(wall, steady, series=255)
    numbers.next(WINDOW)
    wall.now -= 3600 * SECOND
    assert numbers.seconds_behind == 3600
    assert numbers.agree(0x6B037CAA00000300, WINDOW)
    assert numbers.seconds_behind == 0
    assert numbers.next(WINDOW) == 0x6B037CA900000100


def test_a_peer_confirms_that_a_clock_was_stepped_back_by_mistake() -> None:
    wall, steady = Clock(NOON), Clock(0)
    numbers = SequenceNumbers(wall, steady, series=7)
    numbers.next(WINDOW)
    wall.now -= 3600 * SECOND
    steady.now += SECOND
    assert not numbers.agree(0x6B037CAA00000300, WINDOW)
    assert numbers.next(WINDOW) == 0x6B037CAA00000700


def test_a_clock_that_was_never_used_may_be_set_back() -> None:
    """A BACKUP router that started two hours ahead has sent nothing, so no number was used."""
    wall, steady = Clock(NOON + 7200 * SECOND), Clock(0)
    numbers = SequenceNumbers(wall, steady, series=7)
    numbers.times()
    wall.now -= 7200 * SECOND
    assert numbers.times() == (NOON, NOON)
    assert not numbers.agree(0x6B037CA900000300, WINDOW)
    wall.now -= 60 * SECOND
    assert numbers.times() == (NOON - 60 * SECOND, NOON)


def test_the_file_is_opened_later_if_that_is_not_possible_at_first(tmp_path: Path) -> None:
    """For example, when the directory is missing or full at first."""
    steady = Clock(0)
    numbers = SequenceNumbers(Clock(NOON), steady, series=7)
    numbers.keep_in(str(tmp_path / "missing" / "sequence"))
    assert numbers.fault == "No such file or directory"
    assert numbers.next(WINDOW) == 0x6B037CA900000700
    (tmp_path / "missing").mkdir()
    numbers.next(WINDOW)
    assert numbers.fault == "No such file or directory"
    steady.now += 10 * SECOND
    number = numbers.next(WINDOW)
    assert numbers.fault is None
    assert started(tmp_path / "missing" / "sequence", NOON).next(WINDOW) == number + 1


def test_numbers_continue_after_the_higher_one_of_file_and_memory(tmp_path: Path) -> None:
    path = tmp_path / "sequence"
    started(path, NOON + 10 * SECOND).next(WINDOW)
    numbers = numbers_at(NOON)
    numbers.next(WINDOW)
    numbers.keep_in(str(path))
    assert numbers.next(WINDOW) == 0x6B037CB300000701


def test_a_process_without_a_file_begins_another_series() -> None:
    """After a reboot the numbers before it are unknown."""
    series = {series_of(SequenceNumbers().next(WINDOW)) for _ in range(1000)}
    assert len(series) > 100
    assert 0 not in series, "the series of keepalived"


@pytest.mark.parametrize("content", [b"", b"1234567", bytes(8), bytes(100), b"x" * 33])
def test_a_damaged_file_is_no_reason_to_fail(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "sequence"
    path.write_bytes(content)
    numbers = started(path, NOON)
    assert numbers.fault is None
    numbers.next(WINDOW)
    assert list(numbers.known_numbers(51)) == []


def test_a_file_that_is_truncated_or_removed_while_it_is_used_is_written_again(
    tmp_path: Path,
) -> None:
    path = tmp_path / "sequence"
    numbers = started(path, NOON)
    number = numbers.next(WINDOW)
    numbers.store_known(51, THEIRS, 0x6B037CA900000300)
    os.truncate(path, 0)
    numbers.store_known(51, THEIRS, 0x6B037CA900000301)
    assert numbers.next(WINDOW) == number + 1
    after = started(path, NOON)
    assert list(after.known_numbers(51)) == [(THEIRS, 0x6B037CA900000301)]
    assert after.next(WINDOW) == number + 2
    path.unlink()
    after.keep_in(str(path))
    assert after.next(WINDOW) == number + 3
    assert started(path, NOON).next(WINDOW) == number + 4


def test_numbers_that_were_heard_are_kept_by_sender_virtual_router_and_series(
    tmp_path: Path,
) -> None:
    path = tmp_path / "sequence"
    numbers = started(path, NOON)
    heard: list[tuple[Address, int, int]] = [
        (THEIRS, 51, 0x6B037CA900000300),
        (THEIRS, 51, 0x6B037CA900010300),
        (THEIRS, 51, 0x6B037CA900000400),
        (THEIRS, 52, 0x6B037CA900000500),
        (IPv6Address("fe80::1"), 51, 0x6B037CA900000600),
    ]
    for source, virtual_router_id, number in heard:
        numbers.store_known(virtual_router_id, source, number)
    assert sorted(number for _, number in started(path, NOON).known_numbers(51)) == [
        0x6B037CA900000400,
        0x6B037CA900000600,
        0x6B037CA900010300,
    ]
    assert list(started(path, NOON).known_numbers(52)) == [(THEIRS, 0x6B037CA900000500)]


def test_the_file_has_a_limit(tmp_path: Path) -> None:
    path = tmp_path / "sequence"
    numbers = started(path, NOON)
    for number in range(RECORDS_MAX + 10):
        numbers.store_known(51, IPv4Address(number + 1), 0x6B037CA900000300)
    assert path.stat().st_size == RECORDS_MAX * 32
    assert len(list(started(path, NOON).known_numbers(51))) == RECORDS_MAX - 1


def test_the_file_is_private_and_no_link_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "sequence"
    started(path, NOON)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (tmp_path / "link").symlink_to(path)
    assert started(tmp_path / "link", NOON).fault == "Too many levels of symbolic links"
    os.mkfifo(tmp_path / "pipe")
    assert started(tmp_path / "pipe", NOON).fault == "not a regular file"


def test_without_a_file_the_numbers_follow_the_clock() -> None:
    numbers = numbers_at(NOON)
    numbers.keep_in("")
    assert numbers.seconds_behind == 0
    assert [numbers.next(WINDOW), numbers.next(WINDOW)] == [0x6B037CA900000700, 0x6B037CA900000701]
