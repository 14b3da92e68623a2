"""What the demo calls a kept promise."""

from __future__ import annotations

import pytest

from hadirector.demo.client import Sample
from hadirector.demo.judge import Event, Promise, judge, judge_all

CRASH = Event("crash", 10.0, Promise(0.5))
BACK = Event("back", 20.0, Promise())


def answered(began: float) -> Sample:
    return Sample(began, began + 0.01, server="web1")


def failed(began: float) -> Sample:
    return Sample(began, began + 0.01, failure="refused")


def test_a_blackout_reaches_from_the_first_failure_to_the_answer_after_the_last() -> None:
    samples = [answered(10.0), failed(10.1), answered(10.2), failed(10.3), answered(10.4)]
    judgement = judge(CRASH, samples)
    assert (judgement.sent, judgement.failed) == (5, 2)
    assert judgement.blackout == pytest.approx(0.3)
    assert judgement.over_after == pytest.approx(0.4)
    assert judgement.kept


def test_a_blackout_beyond_the_bound_breaks_the_promise() -> None:
    assert not judge(CRASH, [failed(10.1), answered(10.51)]).kept


def test_what_is_not_over_by_the_next_event_breaks_the_promise() -> None:
    judgement = judge(CRASH, [answered(10.0), failed(10.1)])
    assert judgement.blackout is None
    assert not judgement.kept


def test_no_request_proves_nothing() -> None:
    assert not judge(CRASH, []).kept


def test_where_nothing_may_fail_one_failure_breaks_the_promise() -> None:
    assert judge(BACK, [answered(20.0), answered(20.1)]).kept
    assert not judge(BACK, [answered(20.0), failed(20.1), answered(20.2)]).kept


def test_a_request_belongs_to_the_event_before_its_end() -> None:
    samples = [
        answered(9.0),
        Sample(9.9, 10.2, failure="reset"),
        answered(10.3),
        answered(20.3),
        answered(30.0),
    ]
    crash, back = judge_all([CRASH, BACK], 30.0, samples)
    assert (crash.sent, crash.failed, crash.kept) == (2, 1, True)
    assert crash.blackout == pytest.approx(0.3)
    assert (back.sent, back.failed, back.kept) == (1, 0, True)
