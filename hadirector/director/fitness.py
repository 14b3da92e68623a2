"""Decides again and again whether this director is fit to serve, and lets its elections begin."""

from __future__ import annotations

import structlog

from hadirector.dataplane.condition import TableCondition
from hadirector.dataplane.reconciler import TableReconciler
from hadirector.director.pools import Pools
from hadirector.election.election import Election
from hadirector.election.fitness import Fitness, Situation, decide_fitness
from hadirector.health.verdicts import Health
from hadirector.model.policy import FITNESS


class FitnessMonitor:
    """Passes changes of the fitness to the elections, and logs them.

    ``current`` is the latest decision. ``table`` is the condition of the IPVS table on which it
    is based.
    """

    def __init__(
        self, health: Health, pools: Pools, table_reconciler: TableReconciler, election: Election
    ) -> None:
        self.current = Fitness(held_out="the director is starting")
        self.table: TableCondition | None = None
        self._health = health
        self._pools = pools
        self._table_reconciler = table_reconciler
        self._election = election
        self._overdue = False
        self._pools_known = False
        self._delay = ""
        self._log = structlog.get_logger()

    def note_overdue(self) -> None:
        """Record that the time for the first verdicts is over."""
        self._overdue = True

    def note_table(self, condition: TableCondition) -> None:
        """Record the condition of the IPVS table after a reconciliation."""
        self.table = condition

    def update(self) -> None:
        """Decide the fitness of the director anew, and pass a change to the elections.

        Do nothing if the director only observes.
        """
        if self._election.observing:
            return
        before, decided = self.current, decide_fitness(self._situation())
        begun = self._election.begun
        self.current = Fitness(decided.reasons) if begun else decided
        if before.fit and not self.current.fit:
            self._log.error("fitness_lost", reasons=list(self.current.reasons))
        elif self.current.fit and not before.fit:
            self._log.info("fitness_regained")
        if before.fit is not self.current.fit:
            self.publish()
        if begun:
            return
        if not self.current.held_out:
            self._log.info("elections_began")
            self.publish()
            self._election.begin()
        elif (self._overdue or self.current.reasons) and self.current.held_out != self._delay:
            self._delay = self.current.held_out
            self._log.error("elections_delayed", reason=self._delay)

    def publish(self) -> None:
        """Send the fitness to the elections, unless it is not known yet."""
        if not self.current.fit or not self.current.held_out:
            self._election.track({FITNESS: int(self.current.fit)})

    def _situation(self) -> Situation:
        return Situation(
            table=self.table,
            settled=self._table_reconciler.settled,
            without_verdict=self._health.without_verdict,
            undecided=self._undecided_pools(),
            overdue=self._overdue,
        )

    def _undecided_pools(self) -> list[str]:
        """Return the virtual servers whose quorum was not known yet since the start.

        Their first verdicts are overdue, or they wait for the first list of a discovery source. A
        vrrp process that this director adopted has begun with known pools.
        """
        unread = self._pools.unread
        complete = self._health.complete and not unread
        self._pools_known |= self._election.adopted or complete
        if self._pools_known:
            return []
        if unread or not self._overdue:
            return unread
        judgements = self._pools.judgements.items()
        undecided = [name for name, judgement in judgements if judgement.quorum is None]
        self._pools_known = not undecided
        return undecided
