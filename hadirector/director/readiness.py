"""Decides again and again what this director lacks, and lowers its priority while a peer is ready.

Without a pair link it lowers nothing, and every director may preempt as configured.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping
from time import monotonic
from typing import Final, NamedTuple

import structlog

from hadirector.dataplane.reconciler import TableReconciler
from hadirector.director.fitness import FitnessMonitor
from hadirector.election.election import Election
from hadirector.events.recorder import Recorder
from hadirector.health.verdicts import Health
from hadirector.host.owned import Memory
from hadirector.host.reconciler import HostReconciler
from hadirector.model.pair import Pair
from hadirector.model.policy import READINESS
from hadirector.pair.readiness import (
    Fact,
    Gate,
    Sighting,
    Situation,
    describe_facts,
    find_facts,
    follow_facts,
    has_reliance,
)
from hadirector.pair.state import ReadinessFact
from hadirector.status.readiness import Lack, PairReadiness
from vrrp.model.report import State

LOOK_SECONDS: Final = 0.25
"""The time between two looks."""


class Knowledge(NamedTuple):
    """The facts of the peers, and the differences from them by the code of their fact.

    ``linked`` is whether there is a pair link.
    """

    linked: bool
    sightings: Collection[Sighting] = ()
    differences: Mapping[str, str] = {}


class ReadinessMonitor:
    """Holds the facts of this director, and passes its readiness to the elections."""

    def __init__(
        self,
        pair: Pair | None,
        *,
        fitness: FitnessMonitor,
        health: Health,
        table_reconciler: TableReconciler,
        host_reconciler: HostReconciler,
        memory: Memory,
        recorder: Recorder,
        election: Election,
    ) -> None:
        self._fitness = fitness
        self._health = health
        self._table_reconciler = table_reconciler
        self._host_reconciler = host_reconciler
        self._memory = memory
        self._recorder = recorder
        self._election = election
        self._facts: tuple[Fact, ...] = ()
        self._gate = Gate(monotonic())
        self._linked = pair is not None
        if pair is not None and not election.observing:
            election.allow_preemption(allowed=False)
        self._log = structlog.get_logger()

    @property
    def facts(self) -> tuple[ReadinessFact, ...]:
        """The facts of this director for its peers."""
        return describe_facts(self._facts, self._gate, monotonic())

    @property
    def status(self) -> PairReadiness | None:
        """The readiness for people; None without a pair link."""
        if not self._linked:
            return None
        now = monotonic()
        return PairReadiness(
            ready=self._gate.ready,
            priority_lowered=self._gate.lowered,
            may_preempt=self._may_preempt(now),
            lacks=tuple(
                Lack(fact.code, fact.severity, fact.reason, max(0.0, now - fact.since))
                for fact in self._facts
            ),
        )

    async def run(self, read_peers: Callable[[], Knowledge]) -> None:
        """Look at the facts and at the peers again and again, until cancelled."""
        while True:
            self.look(read_peers())
            await asyncio.sleep(LOOK_SECONDS)

    def look(self, peers: Knowledge) -> None:
        """Decide the readiness again, from these states of the peers."""
        if self._election.observing:
            return
        now = monotonic()
        self._linked = peers.linked
        if not peers.linked:
            self._facts, self._gate = (), Gate(self._gate.started_at)
            self._election.allow_preemption(allowed=True)
            return
        found = find_facts(self._situation()) | dict(peers.differences)
        self._facts = follow_facts(self._facts, found, now)
        self._follow(now, has_reliance(peers.sightings, now))

    def _follow(self, now: float, reliance: bool) -> None:
        election, former = self._election, self._gate
        gate = former.follow(
            self._facts,
            now,
            active=State.ACTIVE in election.states.values(),
            reliance=reliance and election.begun,
        )
        self._gate = gate
        if gate.ready is not former.ready and former.has_been_ready:
            if gate.ready:
                self._log.info("readiness_regained")
            else:
                self._log.warning("readiness_lost", reasons=[*self._reasons()])
        if gate.lowered and not former.lowered:
            self._log.warning("priority_lowered", reasons=[*self._reasons()])
        elif former.lowered and not gate.lowered:
            self._log.info("priority_restored")
        election.track({READINESS: int(not gate.lowered)})
        election.allow_preemption(allowed=self._may_preempt(now))

    def _may_preempt(self, now: float) -> bool:
        return not self._linked or self._election.adopted or self._gate.may_preempt(now)

    def _reasons(self) -> Iterator[str]:
        return (f"{fact.code}: {fact.reason}" for fact in self._facts)

    def _situation(self) -> Situation:
        host, fitness = self._host_reconciler.status, self._fitness.current
        failure = self._recorder.history_store.failure
        return Situation(
            held_out="" if self._election.begun else fitness.held_out,
            unfit=fitness.reasons,
            failing=len(self._table_reconciler.failing),
            without_verdict=self._health.without_verdict,
            blind=self._health.blindness.blind,
            sysctls=tuple(each.name for each in host.sysctls if each.actual != each.wanted),
            sync_threads=host.sync_daemon.missing,
            not_stored=(*self._memory.warnings, *([failure] if failure else ())),
        )
