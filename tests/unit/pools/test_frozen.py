"""The targets that weights are decided from during a pause."""

from __future__ import annotations

from checks.definition.result import Verdict
from hadirector.health.target import TargetState
from hadirector.pools.frozen import FrozenTargets

PASSING, FAILING, UNKNOWN = (
    TargetState(verdict) for verdict in (Verdict.PASSING, Verdict.FAILING, Verdict.UNKNOWN)
)


def test_verdicts_have_no_effect_during_a_pause() -> None:
    live = {"a": PASSING, "b": FAILING}
    frozen = FrozenTargets()
    frozen.begin(live)
    live |= {"a": FAILING, "b": PASSING}
    assert dict(frozen.view(live)) == {"a": PASSING, "b": FAILING}
    frozen.begin(live)
    assert dict(frozen.view(live)) == {"a": PASSING, "b": FAILING}
    frozen.end()
    assert frozen.view(live) is live


def test_a_new_target_joins_at_its_first_pass_and_then_stays() -> None:
    live = {"a": PASSING}
    frozen = FrozenTargets()
    frozen.begin(live)
    for state, seen in (
        (UNKNOWN, UNKNOWN),
        (FAILING, FAILING),
        (PASSING, PASSING),
        (FAILING, PASSING),
    ):
        live["new"] = state
        assert frozen.view(live)["new"] == seen


def test_a_target_that_leaves_is_forgotten() -> None:
    live = {"a": PASSING, "b": PASSING}
    frozen = FrozenTargets()
    frozen.begin(live)
    del live["b"]
    assert dict(frozen.view(live)) == {"a": PASSING}
