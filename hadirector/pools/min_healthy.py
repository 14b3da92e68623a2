"""Decides which failing real servers stay in a pool, by ``min_healthy`` or in blindness. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from hadirector.model.policy import HealthyMinimum
from hadirector.pools.candidate import Candidate


def hold_unseen(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Keep real servers in the pool whose failure began while the director was blind.

    Return them.
    """
    unseen = [candidate for candidate in candidates if candidate.unseen]
    for candidate in unseen:
        candidate.keep("held: the real server began to fail while the director was blind")
    return unseen


def apply_brake(minimum: HealthyMinimum, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Keep as many failing real servers in the pool as ``min_healthy`` requires. Return them.

    The servers that failed last are kept, because the servers that failed earlier have already
    left the pool. A server that has never passed, or that an operator took out, was not in the
    pool and is not kept.
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
