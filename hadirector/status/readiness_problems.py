"""Finds the problems of the readiness of a director of a pair. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hadirector.status.readiness import PairReadiness
from hadirector.status.verdict import Level, Problem

_DIRECTOR: Final = "director"


def pair_problems(readiness: PairReadiness | None) -> Iterator[Problem]:
    """Yield the problems of the readiness. Without a pair link there are none."""
    if readiness is None:
        return
    lacking = ", ".join(lack.code for lack in readiness.lacks if lack.severity != "alarm")
    if readiness.priority_lowered:
        yield Problem(
            level=Level.DEGRADED,
            code="priority_lowered",
            object=_DIRECTOR,
            reason="the priority is lowered, because this director was not ready and a peer was"
            + (f": {lacking}" if lacking else ""),
            remedy="remove the faults that `hadirector why readiness` lists; 10 s later the"
            " priority returns",
        )
    if not readiness.may_preempt:
        yield Problem(
            level=Level.OK,
            code="preemption_withheld",
            object=_DIRECTOR,
            reason="the director has just started, and takes no address from a peer before it is"
            " ready" + (f": {lacking}" if lacking else ""),
            remedy="wait: it preempts when it is ready, or 60 s after its start",
        )
    for lack in readiness.lacks:
        if lack.code == "state_not_writable":
            yield Problem(
                level=Level.DEGRADED,
                code=lack.code,
                object=_DIRECTOR,
                reason=f"the state cannot be stored: {lack.reason}",
                remedy="make room on that file system, or mount it for writing",
                age=lack.seconds,
            )
