"""Decides whether this director is fit to serve, and whether its elections may begin. Pure.

A director is fit if its table is as wanted and the states of its pools are known. Blindness and
other tracked objects are no part of this decision: they have weights of their own, which lower the
priority (`vrrp.router.priority`).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from hadirector.dataplane.condition import TableCondition

NAMED_MAX = 3
"""The maximum number of virtual servers in a reason."""


class Situation(msgspec.Struct, frozen=True):
    """The facts that decide the fitness, at one moment.

    - ``table``: the condition of the IPVS table after the latest reconciliation; None before the
      first one.
    - ``settled``: whether the wanted table of this moment has been applied.
    - ``without_verdict``: the number of targets without a verdict.
    - ``undecided``: the virtual servers whose quorum is not known yet.
    - ``overdue``: the time for the first verdicts is over.
    """

    table: TableCondition | None
    settled: bool
    without_verdict: int
    undecided: Sequence[str]
    overdue: bool


class Fitness(msgspec.Struct, frozen=True):
    """Whether this director is fit to serve, and whether it may take part in elections.

    - ``reasons``: why the director is not fit to serve; empty if it is fit. - ``held_out``: why
    the elections of this director must not begin yet; empty if they may.
    """

    reasons: tuple[str, ...] = ()
    held_out: str = ""

    @property
    def fit(self) -> bool:
        """Whether the director is fit to serve."""
        return not self.reasons


def decide_fitness(situation: Situation) -> Fitness:
    """Decide from the facts of this moment.

    A director that could not create any virtual service is held out of elections. If only a
    part of the table is missing, or a pool has no known state when the first verdicts are
    overdue, the elections begin with the lowest priority. The director then serves only if no
    other router does.
    """
    table, reasons = situation.table, _reasons(situation)
    if table is not None and not table.wanted:
        table_made = True
    else:
        table_made = table is not None and situation.settled and (table.good or table.present > 0)
    if not table_made and reasons:
        return Fitness(reasons, reasons[0])
    if situation.without_verdict and not situation.overdue:
        count = situation.without_verdict
        targets = "1 target has" if count == 1 else f"{count} targets have"
        return Fitness(reasons, f"{targets} no verdict yet")
    if situation.undecided and not situation.overdue:
        names = ", ".join(situation.undecided[:NAMED_MAX])
        return Fitness(reasons, f"no source has named the real servers yet: {names}")
    if not table_made:
        return Fitness(reasons, "the table does not have the virtual servers yet")
    return Fitness(reasons)


def _reasons(situation: Situation) -> tuple[str, ...]:
    table, undecided = situation.table, situation.undecided
    reasons = []
    if table is not None and table.wanted and table.error:
        reasons.append(_describe(table))
    if undecided and situation.overdue:
        names = ", ".join(undecided[:NAMED_MAX])
        more = len(undecided) - NAMED_MAX
        reasons.append(
            f"the state of the real servers is not known: {names}"
            + (f" and {more} more virtual servers" if more > 0 else "")
        )
    return tuple(reasons)


def _describe(table: TableCondition) -> str:
    if not table.present:
        return f"no virtual service could be added to the table: {table.error}"
    if not table.failing:
        return f"the table cannot be read: {table.error}"
    operations = "1 operation" if table.failing == 1 else f"{table.failing} operations"
    verb = "fails" if table.failing == 1 else "fail"
    return f"{operations} on the table {verb}: {table.error}"
