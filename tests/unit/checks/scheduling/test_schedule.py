"""Due times: an early and even start, no drift, no bursts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.definition.check import Timing
from checks.definition.result import Verdict
from checks.scheduling.schedule import (
    RateLimit,
    add_jitter,
    batch_seconds,
    current_interval,
    first_due,
    is_delayed,
    next_due,
    skip_missed_periods,
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
        (11.999, 12.0),  # a probe that took almost the whole interval
        (12.5, 12.0),  # a probe that took longer: the next one is already due
        (17.0, 16.0),  # a probe that took much longer: 12 and 14 are skipped
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
    assert skip_missed_periods(10.0, 2.0, now) == due


def test_a_stall_of_many_periods_is_followed_by_one_probe_and_then_the_old_rhythm() -> None:
    due = skip_missed_periods(10.0, 1.0, 17.3)
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


@pytest.mark.parametrize(("now", "expected"), [(9.0, False), (10.04, False), (10.06, True)])
def test_more_than_fifty_milliseconds_is_a_delay(now: float, expected: bool) -> None:
    assert is_delayed(10.0, now) is expected


@pytest.mark.parametrize(
    ("verdict", "suspect", "seconds"),
    [
        (Verdict.PASSING, False, 2.0),
        (Verdict.PASSING, True, 0.5),  # may start to fail
        (Verdict.FAILING, False, 10.0),
        (Verdict.FAILING, True, 0.5),  # may start to pass
        (Verdict.UNKNOWN, False, 2.0),
    ],
)
def test_the_interval_depends_on_the_verdict(
    verdict: Verdict, suspect: bool, seconds: float
) -> None:
    timing = Timing(interval=2.0, fast_interval=0.5, slow_interval=10.0)
    assert current_interval(timing, verdict, suspect=suspect) == seconds


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize("suspect", [False, True])
def test_without_other_intervals_the_interval_stays(verdict: Verdict, suspect: bool) -> None:
    assert current_interval(Timing(interval=2.0), verdict, suspect=suspect) == 2.0


def test_jitter_delays_probes_by_less_than_itself_and_by_different_times() -> None:
    begins = [add_jitter(100.0 + number, 0.5, "web") - number for number in range(100)]
    assert all(100.0 <= begin < 100.5 for begin in begins)
    assert len({round(begin, 3) for begin in begins}) > 50
    assert add_jitter(100.0, 0.0, "web") == 100.0


def take_all(rate_limit: RateLimit, wakes: list[float]) -> list[int]:
    """Return how many of many waiting probes may begin at each wake-up."""
    counts = []
    for now in wakes:
        count = 0
        while count < 1000 and rate_limit.take(now):
            count += 1
        counts.append(count)
    return counts


def test_the_limit_holds_for_any_number_of_waiting_probes() -> None:
    wakes = [10.0 + number * 0.0625 for number in range(16)]
    assert take_all(RateLimit(64, 0.0625), wakes) == [5, *[4] * 15]


def test_an_unused_allowance_expires() -> None:
    rate_limit = RateLimit(64, 0.0625)
    assert take_all(rate_limit, [10.0, 20.0, 20.0625]) == [5, 5, 4]


def test_without_a_limit_all_begin() -> None:
    assert take_all(RateLimit(None, 0.02), [10.0, 10.0]) == [1000, 1000]


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
    """Simulate the schedule: a probe begins when it is due and another one has ended."""
    ends: list[float] = []  # of the probes in progress, in order, because all take the same time
    for position in range(5000):
        begin = first_due(0.0, position, 5000, 2.0)
        if position >= at_once:
            begin = max(begin, ends[position - at_once])
        ends.append(begin + seconds)
    assert max(ends) < 3.0


@pytest.mark.parametrize(
    ("count", "timing", "seconds"),
    [
        (0, Timing(), 0.02),
        (200, Timing(interval=1.0, timeout=0.9), 0.05),  # a twentieth of the interval
        (400, Timing(interval=1.0, timeout=0.9), 0.04),  # 16 of 400 probes per second
        (10_000, Timing(interval=1.0, timeout=0.9), 0.02),
        (3, Timing(interval=60.0, timeout=5.0), 0.06),
        (200, Timing(interval=0.2, timeout=0.2), 0.02),
        (3, Timing(interval=60.0, timeout=0.5, fast_interval=0.5), 0.025),
    ],
)
def test_a_batch_is_longer_for_fewer_probes_and_longer_intervals(
    count: int, timing: Timing, seconds: float
) -> None:
    assert batch_seconds([timing] * count) == pytest.approx(seconds)
