"""The verdicts of the failover benchmark."""

from __future__ import annotations

from tests.benchmarks.table import Bar, Measured, render, verdict

CRASH = ("crash", Bar.AS_KEEPALIVED, 1.0)
STOP = ("stop", Bar.NOTHING_LOST, 1.0)


def test_a_crash_may_cost_two_milliseconds_more_than_with_keepalived() -> None:
    theirs = [Measured(*CRASH, "keepalived", lost) for lost in (10.0, 20.0, 30.0)]
    ours = [Measured(*CRASH, "hadirector", lost) for lost in (12.0, 22.0, 32.0)]
    assert verdict(theirs + ours) == {(1.0, "crash", "hadirector"): True}


def test_the_worst_run_counts_and_not_only_the_median() -> None:
    theirs = [Measured(*CRASH, "keepalived", lost) for lost in (10.0, 20.0, 30.0)]
    ours = [Measured(*CRASH, "hadirector", lost) for lost in (10.0, 20.0, 32.1)]
    assert verdict(theirs + ours) == {(1.0, "crash", "hadirector"): False}


def test_a_stop_may_cost_nothing_whatever_keepalived_loses() -> None:
    theirs = [Measured(*STOP, "keepalived", 611.0)]
    assert verdict([*theirs, Measured(*STOP, "hadirector", 0.0)])[1.0, "stop", "hadirector"]
    assert not verdict([*theirs, Measured(*STOP, "hadirector", 1.0)])[1.0, "stop", "hadirector"]


def test_the_table_has_median_worst_and_verdict_of_each_row() -> None:
    measured = [Measured(*STOP, "keepalived", lost) for lost in (600.0, 610.0, 611.0)]
    measured += [Measured(*STOP, "hadirector", lost) for lost in (0.0, 0.0, 1.0)]
    assert render(measured).splitlines()[2:] == [
        "| 1 s | stop | keepalived | 3 | 610.0 | 611.0 | 1.00 |  |  |",
        "| 1 s | stop | hadirector | 3 | 0.0 | 1.0 | 0.00 | 0 | NO |",
    ]
