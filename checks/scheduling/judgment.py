"""Decides the effects of a result on its target: the verdict and the weight. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from checks.definition.result import Reason, Result, Verdict
from checks.scheduling.target import Target
from checks.scheduling.weight import step_weight


def judge(target: Target, result: Result) -> tuple[Result, bool, bool]:
    """Record a result at its target.

    Return the result, whether it is new, and whether to report it.

    The returned result has the weight within ``weight_max`` and ``weight_step``. It is new if
    it differs from the previous result in more than the duration. It is reported if the verdict
    has changed, or the weight of a passing target.

    A local error proves nothing about the target, so it changes neither verdict nor weight.
    """
    passed = result.passed
    is_proof = result.reason is not Reason.LOCAL_ERROR
    is_reported = is_proof and target.tracker.record(passed)
    timing = target.definition.timing
    if result.weight is not None and result.weight > timing.weight_max:
        result = replace(result, weight=timing.weight_max)
    step = timing.weight_step
    if step is not None and passed and not is_reported:
        # A target that starts to pass gets the requested weight at once. Steps apply afterwards.
        result = replace(result, weight=step_weight(target.weight, result.weight, step))
    is_new = target.result is None or _differ(target.result, result)
    if is_new:
        target.result = result
    if passed and result.weight != target.weight:
        target.weight = result.weight
        is_reported = is_reported or target.tracker.verdict is Verdict.PASSING
    return result, is_new, is_reported


def contradicts(target: Target, result: Result) -> bool:
    """Return whether a result is the first failure of a passing target, before it is recorded."""
    is_proof = result.reason is not Reason.LOCAL_ERROR
    tracker = target.tracker
    is_first = tracker.verdict is Verdict.PASSING and not tracker.suspect
    return is_first and is_proof and not result.passed


def _differ(one: Result, other: Result) -> bool:
    """Return whether two results differ in more than their duration."""
    return (
        one.reason is not other.reason
        or one.detail != other.detail
        or one.weight != other.weight
        or one.warning != other.warning
        or one.certificate_expires_at != other.certificate_expires_at
    )
