"""A summary in a store is current for its lifetime only."""

from __future__ import annotations

from hadirector.fleet.asking import Asked
from hadirector.fleet.stored import judge_age
from hadirector.status.summary import DirectorSummary, StoredSummary
from hadirector.status.verdict import Level

SUMMARY = DirectorSummary(name="lb1", version="0.2.0", level=Level.OK, reason="good")
STORED = StoredSummary(1000.0, 20.0, SUMMARY)


def test_a_summary_is_current_for_its_lifetime() -> None:
    assert judge_age("lb1", STORED, 1020.0) == Asked("lb1", SUMMARY, "", 20.0)
    assert judge_age("lb1", STORED, 1021.0) == Asked(
        "lb1", None, "its summary in the store is 21 s old"
    )


def test_a_summary_of_the_future_is_not_current() -> None:
    """Its director may be dead: no age can be known."""
    assert judge_age("lb1", STORED, 995.0).answer == SUMMARY
    assert judge_age("lb1", STORED, 990.0) == Asked(
        "lb1", None, "its summary in the store is of 10 s in the future: a clock is wrong"
    )


def test_a_clock_that_is_behind_makes_no_negative_age() -> None:
    assert judge_age("lb1", STORED, 996.0) == Asked("lb1", SUMMARY, "", 0.0)
