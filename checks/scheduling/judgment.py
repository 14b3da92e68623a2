"""Decides the effects of a result on its target. Pure."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from checks.definition.result import Reason, Result, Verdict
from checks.scheduling.target import Target
from checks.scheduling.weight import step_weight


class Judgment(NamedTuple):
    """The effects of a result.

    ``result`` has the weight after `step_weight`. ``is_new`` is whether it differs from the one
    before in more than its duration. ``is_reported`` is whether the verdict or the weight of a
    passing target has changed.
    """

    result: Result
    is_new: bool
    is_reported: bool


def judge(target: Target, result: Result) -> Judgment:
    """Record a result at its target, and return its effects.

    A local error proves nothing about the target, so it changes neither verdict nor weight.
    """
    is_proof = result.reason is not Reason.LOCAL_ERROR
    verdict_changes = is_proof and target.tracker.record(result.passed)
    step = target.definition.timing.weight_step
    if step is not None and result.passed and not verdict_changes:
        # A target that starts to pass gets the requested weight at once. Steps apply afterwards.
        result = replace(result, weight=step_weight(target.weight, result.weight, step))
    is_new = target.result is None or _differ(target.result, result)
    if is_new:
        target.result = result
    weight_changes = result.passed and result.weight != target.weight
    if result.passed:
        target.weight = result.weight
    is_passing = target.tracker.verdict is Verdict.PASSING
    return Judgment(result, is_new, verdict_changes or (weight_changes and is_passing))


def _differ(one: Result, other: Result) -> bool:
    """Return whether two results differ in more than their duration."""
    return (
        one.reason is not other.reason
        or one.detail != other.detail
        or one.weight != other.weight
        or one.warning != other.warning
    )
