"""Decides which failing servers stay in a pool: the brake on what checks may take out."""

from __future__ import annotations

from collections.abc import Sequence

from hadirector.model.policy import HealthyMinimum
from hadirector.pools.candidate import Candidate


def look_past_blindness(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Keep in what was in when this director lost sight of its backends; says whom."""
    lost = [each for each in candidates if each.unseen]
    for each in lost:
        each.stay("kept: lost from sight with all others")
    return lost


def brake(minimum: HealthyMinimum, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Keep in as many failing servers as the minimum asks for; says whom.

    Those that failed last are kept: then nobody comes in again who had gone. One that has never
    passed, or that an operator took out, is not kept in, because it was not in.
    """
    if not minimum:
        return []
    members = [each for each in candidates if each.worth and not each.ordered_out]
    passing = sum(each.serving for each in members)
    needed = minimum.of(len(members))
    fallen = [each for each in members if each.failed_at is not None and not each.serving]
    fallen.sort(key=lambda each: each.failed_at or 0.0, reverse=True)
    held = fallen[: max(needed - passing, 0)]
    for each in held:
        each.stay(f"kept by min_healthy: {passing} of {len(members)} pass, {needed} are needed")
    return held
