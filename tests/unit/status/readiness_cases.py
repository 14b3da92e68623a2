"""Statuses of directors of a pair, and the problem of the readiness that each has."""

from __future__ import annotations

from msgspec.structs import replace

from hadirector.status.readiness import Lack, PairReadiness
from hadirector.status.report import Status
from hadirector.status.verdict import Level

READY = PairReadiness(ready=True, priority_lowered=False, may_preempt=True)
UNREADY = replace(
    READY, ready=False, lacks=(Lack("state_not_writable", "unready", "no space", 4.0),)
)

Case = tuple[Status, Level, str, str]


def readiness_cases(status: Status) -> dict[str, Case]:
    """Return variants of a status, each with the level, the code and the object of its problem."""

    def case(readiness: PairReadiness, level: Level, code: str) -> Case:
        return replace(status, pair_readiness=readiness), level, code, "director"

    return {
        "not stored": case(UNREADY, Level.DEGRADED, "state_not_writable"),
        "priority lowered": case(
            replace(READY, priority_lowered=True), Level.DEGRADED, "priority_lowered"
        ),
        "no preemption yet": case(
            replace(READY, may_preempt=False), Level.OK, "preemption_withheld"
        ),
    }
