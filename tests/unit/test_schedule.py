"""Due times: an early and even start, no drift, no bursts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.schedule import first_due, is_late, next_due, skip_missed

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
