"""The state of a target: how verdicts, a reload and a restart change it."""

from __future__ import annotations

import pytest

from checks.definition.result import Reason, Result, Verdict
from hadirector.health.target import (
    UNKNOWN_TARGET,
    Assumptions,
    TargetsSnapshot,
    TargetState,
    carry_over,
    restore,
    take_snapshot,
)

PASSING, FAILING, UNKNOWN = Verdict.PASSING, Verdict.FAILING, Verdict.UNKNOWN
PASSED = Result(Reason.PASSED, "connected", 0.001)
HALF = Result(Reason.PASSED, "the agent reports 50%", 0.001, weight=50)
REFUSED = Result(Reason.REFUSED, "connecting: Connection refused", 0.001)


def test_a_failure_begins_when_a_passing_target_fails() -> None:
    """A target that never passed has no time of failure, because it was in no pool."""
    never_passed = UNKNOWN_TARGET.with_verdict(FAILING, REFUSED, 5.0)
    assert never_passed == TargetState(FAILING, REFUSED, since=5.0)
    passing = never_passed.with_verdict(PASSING, PASSED, 10.0)
    assert passing == TargetState(PASSING, PASSED, since=10.0)
    failing = passing.with_verdict(FAILING, REFUSED, 20.0)
    assert failing == TargetState(FAILING, REFUSED, 20.0, failures=(20.0,), since=20.0)
    again = failing.with_verdict(PASSING, PASSED, 30.0)
    assert again == TargetState(PASSING, PASSED, failures=(20.0,), since=30.0)


def test_the_last_sixteen_failures_are_remembered() -> None:
    state = TargetState(PASSING)
    for now in range(20):
        state = state.with_verdict(FAILING, REFUSED, float(now))
        state = state.with_verdict(PASSING, PASSED, now + 0.5)
    assert state.failures == tuple(map(float, range(4, 20)))


def test_only_a_pass_changes_the_requested_weight() -> None:
    """A failing target keeps its request for the time when it passes again."""
    half = TargetState(PASSING).with_verdict(PASSING, HALF, 1.0)
    assert half.requested_weight == 50
    failing = half.with_verdict(FAILING, REFUSED, 2.0)
    assert failing.requested_weight == 50
    assert failing.with_verdict(PASSING, PASSED, 3.0).requested_weight is None


def test_an_unseen_failure_is_not_counted() -> None:
    failing = TargetState(FAILING, REFUSED, failed_at=20.0, failures=(5.0, 20.0))
    unseen = failing.with_unseen(True)
    assert unseen == TargetState(FAILING, REFUSED, 20.0, True, (5.0,))
    assert unseen.with_unseen(False) == TargetState(FAILING, REFUSED, 20.0, False, (5.0,))


OLD = {
    "same": TargetState(PASSING, HALF, failures=(1.0,), requested_weight=50),
    "new": UNKNOWN_TARGET,
    "half": TargetState(PASSING, HALF, requested_weight=50),
    "held": TargetState(FAILING, REFUSED, failed_at=9.0, unseen=True, failures=(3.0,)),
    "removed": TargetState(PASSING),
}


@pytest.mark.parametrize(
    ("identity", "assumptions", "expected"),
    [
        ("same", Assumptions({"same": FAILING}), OLD["same"]),
        ("new", Assumptions(), UNKNOWN_TARGET),
        ("new", Assumptions({"new": PASSING}), TargetState(PASSING)),
        ("added", Assumptions(), UNKNOWN_TARGET),
        ("added", Assumptions({"added": PASSING}), TargetState(PASSING)),
        (
            "added",
            Assumptions({"added": PASSING}, {"added": "half"}),
            TargetState(PASSING, requested_weight=50),
        ),
        ("added", Assumptions({"added": FAILING}, {"added": "half"}), TargetState(FAILING)),
        ("added", Assumptions({"added": PASSING}, {"added": "held"}, {"added"}), OLD["held"]),
        ("added", Assumptions({"added": PASSING}, {"added": "held"}), TargetState(PASSING)),
        ("added", Assumptions({}, {"added": "new"}, {"added"}), UNKNOWN_TARGET),
    ],
    ids=[
        "a known verdict is kept",
        "no verdict yet",
        "no verdict yet, but in use",
        "an added check",
        "an added check, in use",
        "a changed check keeps the requested weight",
        "a changed check that is not in use keeps nothing",
        "a changed check of a held server keeps the failure",
        "a changed check of a server that is not held",
        "a changed check of a server that never failed",
    ],
)
def test_a_reload_carries_the_state_over(
    identity: str, assumptions: Assumptions, expected: TargetState
) -> None:
    assert carry_over(OLD, [identity], assumptions) == {identity: expected}


SNAPSHOT = TargetsSnapshot(
    failures={"a": (5.0, 7.0), "removed": (1.0,)},
    weights={"b": 50},
    failing=("a", "b"),
)


def test_a_snapshot_has_what_the_next_run_needs() -> None:
    """Verdicts are only in the final one. A failure before 6 s is too old."""
    targets = {
        "a": TargetState(FAILING, REFUSED, 7.0, failures=(5.0, 7.0)),
        "b": TargetState(PASSING, HALF, failures=(5.0,), requested_weight=50),
        "c": UNKNOWN_TARGET,
    }
    snapshot = take_snapshot(targets, 6.0, final=False)
    assert snapshot == TargetsSnapshot({"a": (5.0, 7.0)}, {"b": 50}, ("a",))
    final = take_snapshot(targets, 6.0, final=True)
    assert final.verdicts == {"a": FAILING, "b": PASSING, "c": UNKNOWN}


def test_a_restart_takes_verdicts_from_the_table_and_the_rest_from_the_snapshot() -> None:
    """Targets without a check any more are forgotten."""
    assert restore(["a", "b", "c"], {"b": PASSING}, SNAPSHOT, ()) == {
        "a": TargetState(failures=(5.0, 7.0)),
        "b": TargetState(PASSING, requested_weight=50),
        "c": UNKNOWN_TARGET,
    }


def test_an_initially_up_target_that_was_failing_fails_after_a_restart() -> None:
    """Unless the table shows that it passes."""
    states = restore(["a", "b", "c"], {"b": PASSING}, SNAPSHOT, {"a", "b", "c"})
    assert [state.verdict for state in states.values()] == [FAILING, PASSING, UNKNOWN]


@pytest.mark.parametrize("verdict", list(Verdict))
def test_the_verdict_of_a_final_snapshot_replaces_the_one_of_the_table(verdict: Verdict) -> None:
    """A passing server on standby has weight 0 in the table, as if it had failed."""
    final = TargetsSnapshot(verdicts={"a": verdict, "b": PASSING})
    states = restore(["a", "b"], {"a": FAILING}, final, ())
    assert states == {"a": TargetState(verdict), "b": UNKNOWN_TARGET}
