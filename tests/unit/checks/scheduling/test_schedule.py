"""Due times: an early and even start, no drift, no bursts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.definition.check import Timing
from checks.definition.result import Verdict
from checks.scheduling.schedule import (
    Allowance,
    first_due,
    is_late,
    next_due,
    pace,
    shifted,
    skip_missed,
)

intervals = st.floats(min_value=0.05, max_value=3600)


def test_a_few_targets_start_ten_milliseconds_apart() -> None:
    dues = [first_due(100.0, position, 3, 2.0) for position in range(3)]
    assert dues == pytest.approx([100.0, 100.01, 100.02])


def test_many_targets_are_spread_over_one_second() -> None:
    dues = [first_due(100.0, position, 5000, 60.0) for position in range(5000)]
    assert dues[0] == 100.0
    assert dues[2500] == pytest.approx(100.5)
    assert dues[4999] == pytest.approx(100.9998)


def test_many_targets_with_a_short_interval_are_spread_over_that_interval() -> None:
    assert first_due(100.0, 500, 1000, 0.2) == pytest.approx(100.1)


def test_the_start_is_the_same_every_time() -> None:
    assert first_due(7.0, 3, 9, 1.0) == first_due(7.0, 3, 9, 1.0)


@pytest.mark.parametrize(
    ("ended", "due"),
    [
        (10.1, 12.0),  # an ordinary probe
        (11.999, 12.0),  # one that needed almost the whole interval
        (12.5, 12.0),  # one that needed more: the next is due already, and starts at once
        (17.0, 16.0),  # one that needed far more: 12 and 14 are skipped
    ],
)
def test_the_next_probe_keeps_the_phase(ended: float, due: float) -> None:
    """A probe due at 10 s, every 2 s, that ended when the row says."""
    assert next_due(10.0, 2.0, ended) == due


@pytest.mark.parametrize(
    ("now", "due"), [(9.0, 10.0), (10.0, 10.0), (11.9, 10.0), (12.0, 12.0), (15.0, 14.0)]
)
def test_missed_periods_are_skipped(now: float, due: float) -> None:
    """Due at 10 s, every 2 s."""
    assert skip_missed(10.0, 2.0, now) == due


def test_a_stall_of_many_periods_is_followed_by_one_probe_and_then_the_old_rhythm() -> None:
    due = skip_missed(10.0, 1.0, 17.3)
    assert due == 17.0
    assert next_due(due, 1.0, 17.31) == 18.0


def test_a_thousand_punctual_probes_do_not_drift() -> None:
    due = 0.0
    for _ in range(1000):
        due = next_due(due, 0.1, due + 0.03)
    assert due == pytest.approx(100.0)


@given(st.floats(0, 1e6), intervals, st.floats(0, 1e5))
def test_no_more_than_one_period_is_ever_made_up_for(
    due: float, interval: float, delay: float
) -> None:
    now = due + delay
    following = next_due(due, interval, now)
    assert following > now - interval - 1e-6
    assert following >= due + interval


@pytest.mark.parametrize(("now", "late"), [(9.0, False), (10.04, False), (10.06, True)])
def test_more_than_fifty_milliseconds_is_late(now: float, late: bool) -> None:
    assert is_late(10.0, now) is late


@pytest.mark.parametrize(
    ("verdict", "suspect", "seconds"),
    [
        (Verdict.PASSING, False, 2.0),
        (Verdict.PASSING, True, 0.5),  # on its way out
        (Verdict.FAILING, False, 10.0),
        (Verdict.FAILING, True, 0.5),  # on its way back
        (Verdict.UNKNOWN, False, 2.0),
    ],
)
def test_the_pace_follows_what_is_known(verdict: Verdict, suspect: bool, seconds: float) -> None:
    timing = Timing(interval=2.0, fast_interval=0.5, slow_interval=10.0)
    assert pace(timing, verdict, suspect=suspect) == seconds


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize("suspect", [False, True])
def test_without_other_intervals_the_pace_stays(verdict: Verdict, suspect: bool) -> None:
    assert pace(Timing(interval=2.0), verdict, suspect=suspect) == 2.0


def test_jitter_shifts_probes_by_less_than_itself_and_not_all_alike() -> None:
    begins = [shifted(100.0 + number, 0.5, "web") - number for number in range(100)]
    assert all(100.0 <= begin < 100.5 for begin in begins)
    assert len({round(begin, 3) for begin in begins}) > 50
    assert shifted(100.0, 0.0, "web") == 100.0


def begun(allowance: Allowance, wakes: list[float]) -> list[int]:
    """How many of any number of waiting probes may begin at each wake-up."""
    counts = []
    for now in wakes:
        count = 0
        while count < 1000 and allowance.take(now):
            count += 1
        counts.append(count)
    return counts


def test_so_many_probes_a_second_begin_however_many_wait() -> None:
    wakes = [10.0 + number * 0.0625 for number in range(16)]
    assert begun(Allowance(64, 0.0625), wakes) == [5, *[4] * 15]


def test_what_was_not_used_is_not_saved_up() -> None:
    allowance = Allowance(64, 0.0625)
    assert begun(allowance, [10.0, 20.0, 20.0625]) == [5, 5, 4]


def test_without_a_limit_all_begin() -> None:
    assert begun(Allowance(None, 0.02), [10.0, 10.0]) == [1000, 1000]


@pytest.mark.parametrize(
    ("at_once", "seconds"),
    [
        (8192, 1.0),  # all silent: each needs its whole timeout
        (341, 0.1),  # a third of 1024 files, and slow answers
    ],
)
def test_each_of_5000_targets_has_its_first_verdict_within_three_seconds(
    at_once: int, seconds: float
) -> None:
    """Played by the clock of the schedule: a probe begins when due and as soon as one has ended."""
    ends: list[float] = []  # of the probes under way, in their order, as all take as long
    for position in range(5000):
        begin = first_due(0.0, position, 5000, 2.0)
        if position >= at_once:
            begin = max(begin, ends[position - at_once])
        ends.append(begin + seconds)
    assert max(ends) < 3.0
