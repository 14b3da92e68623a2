"""Limits how fast the weight of a target follows the weight that the target requests. Pure."""

from __future__ import annotations

FULL_WEIGHT = 100
"""The weight of a target that requests none, in percent of its configured weight."""


def step_weight(current: int | None, requested: int | None, step: int | None) -> int | None:
    """Return the weight of a target after one more probe, in percent as in Result.

    ``step`` limits the change per probe (None: no limit). A request for 0 takes effect at once,
    because the target orders it and does not measure it.
    """
    if step is None or requested == 0:
        return requested
    start = FULL_WEIGHT if current is None else current
    end = FULL_WEIGHT if requested is None else requested
    if abs(end - start) <= step:
        return requested
    return start + (step if end > start else -step)
