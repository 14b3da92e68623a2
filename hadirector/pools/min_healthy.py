"""Decides which failing real servers are held in a pool: by the brake, or by blindness. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from hadirector.model.policy import HealthyMinimum
from hadirector.pools.candidate import Candidate


def hold_unseen(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Hold and return the real servers whose failure is unseen."""
    unseen = [candidate for candidate in candidates if candidate.unseen]
    for candidate in unseen:
        candidate.keep("held: it began to fail while the director was blind")
    return unseen


def apply_brake(minimum: HealthyMinimum, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Hold and return as many failing real servers as the minimum requires.

    The servers that failed last are held, so that no removed server comes back. A server that never
    passed, or that an operator took out, was not in the pool and is not held.
    """
    if not minimum:
        return []
    members = [
        candidate
        for candidate in candidates
        if candidate.full_weight and not candidate.overridden_out
    ]
    passing = sum(candidate.serving for candidate in members)
    required = minimum.of(len(members))
    failed = [
        candidate
        for candidate in members
        if candidate.failed_at is not None and not candidate.serving
    ]
    failed.sort(key=lambda candidate: candidate.failed_at or 0.0, reverse=True)
    held = failed[: max(required - passing, 0)]
    for candidate in held:
        candidate.keep(
            f"held by min_healthy: {passing} of {len(members)} pass, {required} are required"
        )
    return held
