"""Decides how many checks workers there are, and which worker runs which check. Pure.

A worker gets all checks of one target address and port, so that it can enforce the rate limit of
that target. Which worker runs a check does not depend on the other checks. If a worker is added,
checks move only to this worker. If a worker is removed, only its checks move.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from checks.definition.check import CheckDefinition, Limits
from checks.definition.queries import cost

WORKER_LOAD_MAX: Final = 4000.0
"""The load for one worker, in TCP connects per second. It uses about a third of a processor, so
that probes begin on time even while many others time out."""


class Share(NamedTuple):
    """The checks of one worker, and the limits on its probes per second."""

    checks: tuple[CheckDefinition, ...]
    limits: Limits


def count_workers(
    checks: Iterable[CheckDefinition], probes_per_second: int | None, processors: int
) -> int:
    """Return how many workers these checks need: at least one, at most one per processor."""
    load = sum(cost(check.probe) / check.timing.interval for check in checks)
    if probes_per_second is not None:
        load = min(load, float(probes_per_second))
    return max(1, min(processors, math.ceil(load / WORKER_LOAD_MAX)))


def divide_into_shares(
    checks: Mapping[str, CheckDefinition], limits: Limits, workers: int
) -> tuple[Share, ...]:
    """Distribute the checks by target, and the rate limit in proportion to the probe rates."""
    if workers == 1:
        return (Share(tuple(checks.values()), limits),)
    checks_of_workers: list[list[CheckDefinition]] = [[] for _ in range(workers)]
    for check in checks.values():
        checks_of_workers[worker_of(check, workers)].append(check)
    rates = [
        math.fsum(1 / check.timing.interval for check in checks_of_worker)
        for checks_of_worker in checks_of_workers
    ]
    rate_limits = _divide_rate_limit(limits.probes_per_second, rates)
    return tuple(
        Share(tuple(checks_of_worker), Limits(rate_limit, limits.target_probes_per_second))
        for checks_of_worker, rate_limit in zip(checks_of_workers, rate_limits, strict=True)
    )


def worker_of(check: CheckDefinition, workers: int) -> int:
    """Return the number of the worker that runs a check. The numbers begin with 0."""
    if workers == 1:
        return 0
    target = f"{check.address} {check.port}".encode()
    digest = hashlib.blake2b(target, digest_size=8).digest()
    return jump_hash(int.from_bytes(digest, "big"), workers)


def jump_hash(key: int, buckets: int) -> int:
    """Return the bucket of a 64-bit key. A new bucket takes equal parts from all other buckets.

    Lamping and Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm" (2014).
    """
    bucket, jump = 0, 0
    while jump < buckets:
        bucket = jump
        key = (key * 2862933555777941757 + 1) & 0xFFFFFFFFFFFFFFFF
        jump = int((bucket + 1) * (2**31 / ((key >> 33) + 1)))
    return bucket


def _divide_rate_limit(probes_per_second: int | None, rates: list[float]) -> list[int | None]:
    """Divide the limit in proportion to the rates, rounded down, but at least 1 per worker."""
    if probes_per_second is None:
        return [None] * len(rates)
    total = math.fsum(rates) or 1.0
    return [max(1, int(probes_per_second * rate / total)) for rate in rates]
