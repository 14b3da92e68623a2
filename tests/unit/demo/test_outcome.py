"""When the demo counts a promise as kept."""

from __future__ import annotations

import pytest

from hadirector.demo.client import Sample
from hadirector.demo.outcome import Event, Promise, evaluate, evaluate_all

CRASH = Event("crash", 10.0, Promise(0.5))
BACK = Event("back", 20.0, Promise())


def answered(began: float) -> Sample:
    return Sample(began, began + 0.01, server="web1")


def failed(began: float) -> Sample:
    return Sample(began, began + 0.01, failure="refused")


def test_an_outage_lasts_from_the_first_failure_to_the_answer_after_the_last() -> None:
    samples = [answered(10.0), failed(10.1), answered(10.2), failed(10.3), answered(10.4)]
    outcome = evaluate(CRASH, samples)
    assert (outcome.sent, outcome.failed) == (5, 2)
    assert outcome.outage == pytest.approx(0.3)
    assert outcome.recovered_after == pytest.approx(0.4)
    assert outcome.kept


def test_an_outage_beyond_the_bound_breaks_the_promise() -> None:
    assert not evaluate(CRASH, [failed(10.1), answered(10.51)]).kept


def test_an_outage_that_lasts_until_the_next_event_breaks_the_promise() -> None:
    outcome = evaluate(CRASH, [answered(10.0), failed(10.1)])
    assert outcome.outage is None
    assert not outcome.kept


def test_without_requests_no_promise_is_kept() -> None:
    assert not evaluate(CRASH, []).kept


def test_a_single_failure_breaks_the_promise_of_no_failure() -> None:
    assert evaluate(BACK, [answered(20.0), answered(20.1)]).kept
    assert not evaluate(BACK, [answered(20.0), failed(20.1), answered(20.2)]).kept


def test_a_request_counts_for_the_last_event_before_its_end() -> None:
    samples = [
        answered(9.0),
        Sample(9.9, 10.2, failure="reset"),
        answered(10.3),
        answered(20.3),
        answered(30.0),
    ]
    crash, back = evaluate_all([CRASH, BACK], 30.0, samples)
    assert (crash.sent, crash.failed, crash.kept) == (2, 1, True)
    assert crash.outage == pytest.approx(0.3)
    assert (back.sent, back.failed, back.kept) == (1, 0, True)
