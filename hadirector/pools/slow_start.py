"""Decides the weight of a real server during its slow start. Pure.

The weight grows in steps, at fixed times after the real server began to serve. The progress is
relative to the real server of the pool that is most advanced, which has its full weight. If all
real servers start together, they share the connections by their configured weights. A single real
server starts with its full weight.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from hadirector.model.ipvs import DestinationKey
from hadirector.model.policy import Curve, SlowStart
from hadirector.pools.candidate import Candidate

STEPS: Final = 20
"""Steps from the minimum to the full weight. Each step is one change in the kernel."""
WHOLE: Final = 1000
"""Shares of a weight are thousandths."""
LONG_AGO: Final = -math.inf
"""The start time of a real server that was in the table before the director started."""


def apply_slow_start(
    candidates: Sequence[Candidate], serving_since: Mapping[DestinationKey, float], now: float
) -> tuple[dict[DestinationKey, float], float | None]:
    """Reduce the weights of real servers that began to serve recently.

    Return the time at which each real server began to serve, and the time of the next change of a
    weight (None for never). A weight that an operator has set takes effect at once. Times are
    monotonic seconds.
    """
    if not any(candidate.real_server.slow_start for candidate in candidates):
        return {}, None
    serving = [candidate for candidate in candidates if candidate.serving and candidate.full_weight]
    since = {
        candidate.real_server.key: serving_since.get(candidate.real_server.key, now)
        for candidate in serving
    }
    steps = [_steps(candidate, since[candidate.real_server.key], now) for candidate in serving]
    shares = [
        share(candidate.real_server.slow_start, count)
        for candidate, count in zip(serving, steps, strict=True)
    ]
    most = max(shares, default=WHOLE)
    due: list[float] = []
    for candidate, count, part in zip(serving, steps, shares, strict=True):
        policy = candidate.real_server.slow_start
        if policy is None or part == WHOLE:
            continue
        due.append(since[candidate.real_server.key] + (count + 1) * policy.duration / STEPS)
        if part < most:
            candidate.ramp(max(candidate.full_weight * part // most, 1), "slow start")
    return since, min(due, default=None)


def share(policy: SlowStart | None, steps: int) -> int:
    """Return the part of the weight that a real server has after these steps, in thousandths."""
    if policy is None or steps >= STEPS:
        return WHOLE
    power = 2 if policy.curve is Curve.QUADRATIC else 1
    least = policy.minimum * WHOLE // 100
    return least + int((WHOLE - least) * steps**power // STEPS**power)


def _steps(candidate: Candidate, since: float, now: float) -> int:
    """Count the completed steps. A step ends exactly at the time from `apply_slow_start`."""
    policy = candidate.real_server.slow_start
    if policy is None or candidate.weight_overridden or now - since >= policy.duration:
        return STEPS
    steps = max(int((now - since) * STEPS / policy.duration), 0)
    return steps + (now >= since + (steps + 1) * policy.duration / STEPS)
