"""The effects of a result on its target."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from checks.definition.check import CheckDefinition, Timing
from checks.definition.options import AgentProbe
from checks.definition.result import Reason, Result, Verdict
from checks.scheduling.judgment import contradicts, judge
from checks.scheduling.target import Target

PASSED = Result(Reason.PASSED, "connection established", 0.001)
REFUSED = Result(Reason.REFUSED, "connecting: Connection refused", 0.001)
LOCAL_ERROR = Result(Reason.LOCAL_ERROR, "connecting: Too many open files", 0.001)


def half(duration: float = 0.001) -> Result:
    return Result(Reason.PASSED, "the agent reports 50%", duration, weight=50)


def target(
    verdict: Verdict = Verdict.PASSING, weight: int | None = None, step: int | None = None
) -> Target:
    definition = CheckDefinition(
        identity="web",
        address="192.0.2.1",
        port=80,
        probe=AgentProbe(),
        timing=Timing(rise=1, fall=2, weight_step=step),
    )
    return Target(definition, verdict, weight, due=0.0)


def test_only_a_change_of_the_verdict_is_reported() -> None:
    web = target()
    results = (PASSED, REFUSED, REFUSED, REFUSED, PASSED)
    reported = [is_reported for _, _, is_reported in (judge(web, result) for result in results)]
    assert reported == [False, False, True, False, True]


def test_a_result_is_new_if_it_differs_in_more_than_its_duration() -> None:
    web = target()
    results = (half(0.001), half(0.002), REFUSED, REFUSED)
    new = [is_new for _, is_new, _ in (judge(web, result) for result in results)]
    assert new == [True, False, True, False]


def test_a_local_error_is_new_but_changes_nothing() -> None:
    web = target(weight=50)
    for expected in (True, False, False):
        assert judge(web, LOCAL_ERROR) == (LOCAL_ERROR, expected, False)
    assert (web.tracker.verdict, web.weight) == (Verdict.PASSING, 50)


@pytest.mark.parametrize(("most", "weight"), [(100, 100), (150, 150), (1000, 1000)])
def test_a_target_cannot_request_more_than_the_limit(most: int, weight: int) -> None:
    web = target()
    web.definition = replace(web.definition, timing=Timing(weight_max=most))
    (result, _, is_reported) = judge(web, replace(half(), weight=1000))
    assert (result.weight, web.weight, is_reported) == (weight, weight, True)


def test_a_new_weight_of_a_passing_target_is_reported_once() -> None:
    web = target()
    assert judge(web, half()) == (half(), True, True)
    assert judge(web, half()) == (half(), False, False)
    assert web.weight == 50


@pytest.mark.parametrize(
    ("verdict", "weight"),
    [(Verdict.PASSING, 80), (Verdict.FAILING, 50)],
)
def test_a_target_that_starts_to_pass_gets_its_weight_without_steps(
    verdict: Verdict, weight: int
) -> None:
    """A step of 20 % applies only to a target that already passes."""
    result, _, is_reported = judge(target(verdict, step=20), half())
    assert result.weight == weight
    assert is_reported


def test_only_the_first_failure_of_a_passing_target_contradicts_its_verdict() -> None:
    web = target()
    found = []
    for result in (PASSED, LOCAL_ERROR, REFUSED, REFUSED, REFUSED):
        found.append(contradicts(web, result))
        judge(web, result)
    assert found == [False, False, True, False, False]
    assert not contradicts(target(Verdict.UNKNOWN), REFUSED)
