"""The state of a target, and its changes by a verdict, a reload and a restart. Pure.

Targets are known by the identity of their check. Times are monotonic seconds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Annotated

import msgspec
from msgspec.structs import replace

from checks.definition.check import REQUESTED_WEIGHT_MAX
from checks.definition.result import Result, Verdict
from hadirector.model.policy import FAILURES_MAX


class TargetState(msgspec.Struct, frozen=True, gc=False):
    """Everything that the director knows about one target.

    ``result`` is the latest result; it is None before the first probe of this run.
    ``failed_at`` is the time at which a passing target began to fail. It is None while the
    target passes, and if the target has never passed. ``unseen`` marks a failure that began
    while the director was blind. ``failures`` are the times at which the target began to fail,
    the latest one last, without the unseen failures. ``requested_weight`` is as in
    `checks.definition.result.Result`: a percentage or a weight. ``since`` is when the verdict
    changed; None if that was in an earlier run.
    """

    verdict: Verdict = Verdict.UNKNOWN
    result: Result | None = None
    failed_at: float | None = None
    unseen: bool = False
    failures: tuple[float, ...] = ()
    requested_weight: int | None = None
    since: float | None = None

    def with_verdict(self, verdict: Verdict, result: Result, now: float) -> TargetState:
        """Return the state after a verdict, which this result caused."""
        failed_at, failures = self.failed_at, self.failures
        if verdict is Verdict.PASSING:
            failed_at = None
        elif self.verdict is Verdict.PASSING:
            failed_at, failures = now, (*failures, now)[-FAILURES_MAX:]
        weight = result.weight if result.passed else self.requested_weight
        since = self.since if verdict is self.verdict else now
        return TargetState(verdict, result, failed_at, self.unseen, failures, weight, since)

    def with_result(self, result: Result) -> TargetState:
        """Return the state after a result that changed no verdict."""
        return TargetState(
            self.verdict,
            result,
            self.failed_at,
            self.unseen,
            self.failures,
            self.requested_weight,
            self.since,
        )

    def with_unseen(self, unseen: bool) -> TargetState:
        """Return the state with its failure marked as unseen, or not.

        An unseen failure is no fault of the target, so it does not count as one of its failures.
        """
        failures = self.failures
        if unseen and failures and failures[-1] == self.failed_at:
            failures = failures[:-1]
        return replace(self, unseen=unseen, failures=failures)


UNKNOWN_TARGET = TargetState()
"""The state of a target before its first verdict."""

Targets = Mapping[str, TargetState]
"""The states of targets by the identity of their check."""


class Assumptions(msgspec.Struct, frozen=True):
    """The verdicts to assume for checks that a new configuration adds, until their first results.

    ``verdicts`` are inferred from the table: a real server in use is assumed to pass.
    ``predecessors`` maps a new check to the check that it replaces at the same real server.
    ``held`` are the checks of failing real servers that are held in their pool.
    """

    verdicts: Mapping[str, Verdict] = {}
    predecessors: Mapping[str, str] = {}
    held: Collection[str] = frozenset()


NO_ASSUMPTIONS = Assumptions()


def carry_over(
    targets: Targets, identities: Iterable[str], assumptions: Assumptions = NO_ASSUMPTIONS
) -> dict[str, TargetState]:
    """Return the states of exactly these targets after a reload.

    A target whose check is unchanged keeps its state. A changed check needs a new verdict.
    Until then, the target of a held real server stays failing, and a target in use is assumed
    to pass.
    """
    return {
        identity: state
        if (state := targets.get(identity)) is not None and state.verdict is not Verdict.UNKNOWN
        else _assume(identity, targets, assumptions)
        for identity in identities
    }


def _assume(identity: str, targets: Targets, assumptions: Assumptions) -> TargetState:
    verdict = assumptions.verdicts.get(identity, Verdict.UNKNOWN)
    known = targets.get(identity)
    if known is not None:
        return known if verdict is Verdict.UNKNOWN else replace(known, verdict=verdict)
    predecessor = targets.get(assumptions.predecessors.get(identity, ""), UNKNOWN_TARGET)
    if identity in assumptions.held and predecessor.failed_at is not None:
        return predecessor
    if verdict is not Verdict.PASSING:
        return TargetState(verdict=verdict)
    # The requested weight is carried over too. Without it, a real server that requested a part of
    # its weight would get all of it until the first probe of the new check. If the new check
    # requests no weight, its first pass removes the old request.
    return TargetState(verdict=verdict, requested_weight=predecessor.requested_weight)


RequestedWeight = Annotated[int, msgspec.Meta(ge=0, le=REQUESTED_WEIGHT_MAX)]
"""In percent of the configured weight, or the weight itself (`Result`)."""


class TargetsSnapshot(msgspec.Struct, frozen=True):
    """The part of the stored snapshot about targets, by the identity of their check.

    ``weights`` are the requested weights. ``failing`` are the failing targets. ``verdicts`` are
    the verdicts of all targets. They are present only after an orderly stop, because the
    verdicts of a killed director may be a second old. ``since`` are the times since which the
    failing targets fail.
    """

    failures: dict[str, tuple[float, ...]] = {}
    weights: dict[str, RequestedWeight] = {}
    failing: tuple[str, ...] = ()
    verdicts: dict[str, Verdict] = {}
    since: dict[str, float] = {}


def take_snapshot(targets: Targets, oldest: float, *, final: bool) -> TargetsSnapshot:
    """Return the snapshot of these targets, without failures that are older than ``oldest``.

    A ``final`` snapshot is the last one of a run, and has all verdicts.
    """
    notable = [
        (identity, state)
        for identity, state in targets.items()
        if state.failures or state.requested_weight is not None or state.verdict is Verdict.FAILING
    ]
    return TargetsSnapshot(
        failures={
            identity: state.failures
            for identity, state in notable
            if state.failures and state.failures[-1] > oldest
        },
        weights={
            identity: state.requested_weight
            for identity, state in notable
            if state.requested_weight is not None
        },
        failing=tuple(
            sorted(identity for identity, state in notable if state.verdict is Verdict.FAILING)
        ),
        verdicts={identity: state.verdict for identity, state in targets.items()} if final else {},
        since={
            identity: state.since
            for identity, state in notable
            if state.verdict is Verdict.FAILING and state.since is not None
        },
    )


def restore(
    identities: Iterable[str],
    verdicts: Mapping[str, Verdict],
    snapshot: TargetsSnapshot,
    initially_up: Collection[str],
) -> dict[str, TargetState]:
    """Return the states of targets at the start of a run.

    ``verdicts`` are inferred from the table of the previous run. In the table, weight 0 looks
    like a failure, so the verdicts of a snapshot of an orderly stop take precedence.
    ``initially_up`` are the targets that may serve before their first probe. If such a target
    was failing at the end of the previous run, it starts as failing.
    """
    failing = set(snapshot.failing).intersection(initially_up)
    states = {}
    for identity in identities:
        verdict = verdicts.get(identity)
        if verdict is None:
            verdict = Verdict.FAILING if identity in failing else Verdict.UNKNOWN
        else:
            verdict = snapshot.verdicts.get(identity, verdict)
        states[identity] = TargetState(
            verdict=verdict,
            failures=snapshot.failures.get(identity, ()),
            requested_weight=snapshot.weights.get(identity),
            since=snapshot.since.get(identity) if verdict is Verdict.FAILING else None,
        )
    return states
