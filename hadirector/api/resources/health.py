"""Whether the director answers, and whether it could serve now."""

from __future__ import annotations

from typing import Literal

import msgspec

from hadirector.api.problems import Code, Fault, ProblemError
from hadirector.api.route import Call, Nothing, Reply
from hadirector.status.readiness import Readiness, decide_readiness


class Alive(msgspec.Struct, frozen=True):
    """The answer to a liveness request. Its arrival shows that the director runs."""

    alive: Literal[True] = True


class ReadinessQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The query of the readiness. With ``verbose``, every condition is listed."""

    verbose: str | None = None


async def read_liveness(_call: Call[Nothing, Nothing]) -> Reply[Alive]:
    """Answer, which shows that the loop of the director runs."""
    return Reply(Alive())


async def read_readiness(call: Call[ReadinessQuery, Nothing]) -> Reply[Readiness]:
    """Answer with status 200 if this director could serve now, else with 503.

    The problem lists the unmet conditions. A BACKUP director can be ready.
    """
    snapshot = await call.context.snapshots.current()
    status = snapshot.status
    assert status.verdict is not None, "a director decides it for every status"
    readiness = decide_readiness(status.verdict.problems, status.pair_readiness)
    if readiness.ready:
        return Reply(readiness if call.query.verbose is not None else Readiness(True, ()))
    unmet = [condition for condition in readiness.conditions if not condition.met]
    faults = [
        Fault(f"{problem.object}: {problem.reason}", place=condition.name)
        for condition in unmet
        for problem in condition.problems
    ]
    names = ", ".join(condition.name for condition in unmet)
    raise ProblemError(
        Code.NOT_READY, f"the director is not ready; unmet conditions: {names}", faults
    )
