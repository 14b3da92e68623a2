"""Decides how much of its weight a real server gets that came in a while ago.

Pure. It grows in steps, at times that follow from when it came in. How far it is counts beside the
others: the one that is furthest has its whole weight. So a pool that all came in at once, as at a
start, is as even as ever, and one that is left alone does not wait.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from hadirector.model.ipvs import DestinationKey
from hadirector.model.policy import Curve, SlowStart
from hadirector.pools.candidate import Candidate

STEPS: Final = 20
"""From the minimum to the whole weight; each is one change in the kernel."""
WHOLE: Final = 1000
"""Shares are parts of a thousand."""
LONG_AGO: Final = -math.inf
"""When real servers came in that were there before we were."""


def start_slowly(
    candidates: Sequence[Candidate], serving_since: Mapping[DestinationKey, float], now: float
) -> tuple[dict[DestinationKey, float], float | None]:
    """Let those that serve only grow to their weights; ``serving_since`` is since when they serve.

    Returns that of this moment, and when a weight changes next if nothing else does, or None. A
    weight that an operator ordered is given at once. Times are monotonic seconds.
    """
    if not any(each.real_server.slow_start for each in candidates):
        return {}, None
    serving = [each for each in candidates if each.serving and each.worth]
    since = {each.real_server.key: serving_since.get(each.real_server.key, now) for each in serving}
    steps = [_steps(each, since[each.real_server.key], now) for each in serving]
    shares = [share(each.real_server.slow_start, n) for each, n in zip(serving, steps, strict=True)]
    most = max(shares, default=WHOLE)
    due: list[float] = []
    for each, n, part in zip(serving, steps, shares, strict=True):
        policy = each.real_server.slow_start
        if policy is None or part == WHOLE:
            continue
        due.append(since[each.real_server.key] + (n + 1) * policy.duration / STEPS)
        if part < most:
            each.grow(max(each.worth * part // most, 1), "slow start")
    return since, min(due, default=None)


def share(policy: SlowStart | None, steps: int) -> int:
    """Say how much of its weight a real server gets after so many steps, in thousandths."""
    if policy is None or steps >= STEPS:
        return WHOLE
    power = 2 if policy.curve is Curve.QUADRATIC else 1
    least = policy.minimum * WHOLE // 100
    return least + int((WHOLE - least) * steps**power // STEPS**power)


def _steps(candidate: Candidate, since: float, now: float) -> int:
    """Count the steps that are over; a step ends exactly when the next change was said to be."""
    policy = candidate.real_server.slow_start
    if policy is None or candidate.weight_ordered or now - since >= policy.duration:
        return STEPS
    steps = max(int((now - since) * STEPS / policy.duration), 0)
    return steps + (now >= since + (steps + 1) * policy.duration / STEPS)
