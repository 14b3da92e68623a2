"""Decides how many checks workers there are, and which of them runs which check. Pure.

Checks are dealt out by their target's address and port, so that one worker sees to the limit of a
target, and that a check stays where it is whatever comes and goes beside it. When workers are added
or leave, only what the new ones take or the old ones had moves.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from checks.definition.check import CheckDefinition, Limits
from checks.definition.options import (
    AllProbe,
    AnyProbe,
    GrpcProbe,
    HttpProbe,
    HttpsProbe,
    Probe,
    ScriptProbe,
    SmtpProbe,
    TlsProbe,
)

WORKER_LOAD_MAX: Final = 4000.0
"""What one worker is given, in TCP connects per second: they fill about a third of a processor, so
that it begins each in time even while many time out at once."""


class Share(NamedTuple):
    """The checks of one worker, and how many of their probes may begin per second."""

    checks: tuple[CheckDefinition, ...]
    limits: Limits


def workers_needed(
    checks: Iterable[CheckDefinition], probes_per_second: int | None, processors: int
) -> int:
    """Say how many workers these checks need: at least one, at most one per processor."""
    load = sum(_effort(each.probe) / each.timing.interval for each in checks)
    if probes_per_second is not None:
        load = min(load, float(probes_per_second))
    return max(1, min(processors, math.ceil(load / WORKER_LOAD_MAX)))


def shares(
    checks: Mapping[str, CheckDefinition], limits: Limits, workers: int
) -> tuple[Share, ...]:
    """Deal out the checks, by target, and what all may probe by how many probes each worker has."""
    if workers == 1:
        return (Share(tuple(checks.values()), limits),)
    dealt: list[list[CheckDefinition]] = [[] for _ in range(workers)]
    for check in checks.values():
        dealt[worker_of(check, workers)].append(check)
    rates = [math.fsum(1 / each.timing.interval for each in some) for some in dealt]
    allowances = _divided(limits.probes_per_second, rates)
    return tuple(
        Share(tuple(some), Limits(each, limits.target_probes_per_second))
        for some, each in zip(dealt, allowances, strict=True)
    )


def worker_of(check: CheckDefinition, workers: int) -> int:
    """Name the worker of a check, from 0."""
    if workers == 1:
        return 0
    target = f"{check.address} {check.port}".encode()
    digest = hashlib.blake2b(target, digest_size=8).digest()
    return jump_hash(int.from_bytes(digest, "big"), workers)


def jump_hash(key: int, buckets: int) -> int:
    """Choose a bucket for a 64-bit key; with one more, each gives an equal part to the new one.

    Lamping and Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm" (2014).
    """
    bucket, jump = 0, 0
    while jump < buckets:
        bucket = jump
        key = (key * 2862933555777941757 + 1) & 0xFFFFFFFFFFFFFFFF
        jump = int((bucket + 1) * (2**31 / ((key >> 33) + 1)))
    return bucket


def _divided(probes_per_second: int | None, rates: list[float]) -> list[int | None]:
    """Divide the allowance in proportion; rounded down, the whole is never exceeded."""
    if probes_per_second is None:
        return [None] * len(rates)
    whole = math.fsum(rates) or 1.0
    return [max(1, int(probes_per_second * each / whole)) for each in rates]


def _effort(probe: Probe) -> int:
    """The processor time of a probe, in TCP connects."""
    match probe:
        case AllProbe() | AnyProbe():
            return sum(_effort(each.probe) for each in probe.checks)
        case ScriptProbe():
            return 20
        case TlsProbe() | HttpsProbe() | GrpcProbe(tls=True) | SmtpProbe(starttls=True):
            return 10
        case HttpProbe() | GrpcProbe() | SmtpProbe():
            return 2
        case _:
            return 1
