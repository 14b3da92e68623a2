"""The pair as this director sees it."""

from __future__ import annotations

from hadirector.api.problems import Code, ProblemError
from hadirector.api.route import Call, Nothing, Reply
from hadirector.pair.report import PairReport
from hadirector.status.problems import judge_director


async def read_pair(call: Call[Nothing, Nothing]) -> Reply[PairReport]:
    """Answer with the directors of the pair, and the verdict on the pair."""
    snapshot = await call.context.snapshots.current()
    verdict = snapshot.status.verdict or judge_director(snapshot.status)
    report = call.context.director.pairing.view.report(verdict)
    if report is None:
        raise ProblemError(Code.NOT_FOUND, "this director has no pair link (section pair)")
    return Reply(report)
