"""Handles the messages of the director's loop, and updates the wanted IPVS table.

Each message is handled completely before the next message. Slow work runs in tasks that send a
message with the result.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from time import monotonic
from typing import assert_never

import structlog

from checks.definition.result import Verdict
from hadirector.dataplane.condition import TableCondition
from hadirector.director.messages import ConfigurationRead, FirstVerdictsOverdue, Message
from hadirector.director.parts import Parts
from hadirector.director.pools import PoolsDue
from hadirector.director.reconfigure import change_to
from hadirector.election.election import ResumeOverdue
from hadirector.election.tracking import TrackedChanged
from hadirector.model.ipvs import ServiceKey, Table
from hadirector.overrides.pause_store import PauseChanged
from hadirector.overrides.store import OverridesChanged
from hadirector.pools.adoption import adopted_verdicts
from hadirector.pools.pending import PendingPools
from hadirector.processes.messages import CheckStatistics, TargetSuspected, VerdictChanged
from hadirector.processes.supervisor import ChildDied, ChildStarted
from hadirector.sources.discovery import MembersChanged
from hadirector.sources.messages import OverridesRead, SourceFailed, SourceRead, SummaryWritten
from vrrp.model.report import InstanceStatus, Notice, Transition


class Dispatcher:
    """Handles messages: updates the parts of the director, and decides again about changed pools.

    ``put_later`` adds a message to the queue after a delay in seconds. ``more_waits`` returns
    whether the queue has further messages, so that the decision can wait for them.
    """

    def __init__(
        self,
        parts: Parts,
        put_later: Callable[[float, Message], None],
        more_waits: Callable[[], bool] = lambda: False,
    ) -> None:
        self._parts = parts
        self._put_later = put_later
        self._more_waits = more_waits
        self._pending_pools = PendingPools()
        self._log = structlog.get_logger()

    @property
    def table(self) -> Table:
        """The wanted IPVS table."""
        return self._parts.pools.table

    def adopt(self, table: Table) -> int:
        """Start from the table and the snapshot of the last run; return the number of verdicts."""
        parts = self._parts
        snapshot = parts.snapshots.read()
        verdicts = adopted_verdicts(parts.configuration, table)
        parts.health.adopt(parts.configuration, verdicts, snapshot.targets)
        passing = [target for target, verdict in verdicts.items() if verdict is Verdict.PASSING]
        parts.resume_pause(snapshot, passing)
        parts.pools.adopt(table, snapshot.pools)
        parts.notifier.restore(snapshot.told, parts.election.states, parts.election.priority)
        parts.decide()
        return len(verdicts)

    async def handle(self, message: Message) -> None:
        """Handle one message completely."""
        match message:
            case VerdictChanged() | CheckStatistics() | OverridesChanged() | PoolsDue():
                was_blind = self._parts.health.blindness.blind
                self._pending_pools.add(self._record(message), monotonic())
                if self._parts.health.blindness.blind is not was_blind:
                    self._parts.election.track_visibility(blind=not was_blind)
            case Transition() | InstanceStatus() | ResumeOverdue():
                await self._handle_election(message)
            case Notice():
                getattr(self._log, message.level)(message.event, **message.fields)
            case ChildStarted() | ChildDied():
                self._handle_child(message)
            case TrackedChanged():
                self._parts.election.track(message.values)
            case ConfigurationRead() | MembersChanged():
                await self._reconfigure(message)
            case SourceRead() | SourceFailed() | OverridesRead() | SummaryWritten():
                self._parts.note_source(message)
            case PauseChanged() | FirstVerdictsOverdue() | TableCondition() | TargetSuspected():
                self._note(message)
            case _:
                assert_never(message)
        self._decide_pending()
        self._parts.fitness.update()
        self._parts.announcer.note_change()

    async def _reconfigure(self, message: ConfigurationRead | MembersChanged) -> None:
        """Change to a new configuration, with the members that are accepted now."""
        parts = self._parts
        if isinstance(message, ConfigurationRead):
            expanded = parts.discovery.expand(message.configuration)
        elif message.base is parts.configuration:
            expanded = message.expanded
        else:  # a reload came first
            expanded = parts.discovery.expand(parts.configuration)
        parts.discovery.configure(expanded)
        await change_to(parts, expanded)

    def _note(
        self, message: PauseChanged | FirstVerdictsOverdue | TableCondition | TargetSuspected
    ) -> None:
        match message:
            case TargetSuspected():
                self._parts.suspecting.note(message.check, monotonic())
            case PauseChanged():
                self._parts.follow_pause()
            case FirstVerdictsOverdue():
                self._parts.fitness.note_overdue()
            case TableCondition():
                self._parts.fitness.note_table(message)

    def _record(
        self, message: VerdictChanged | CheckStatistics | OverridesChanged | PoolsDue
    ) -> Collection[ServiceKey]:
        """Record the message; return the services whose pools it may change."""
        match message:
            case VerdictChanged():
                self._parts.snapshots.note_change()
                return self._parts.health.record_verdict(message, monotonic())
            case CheckStatistics():
                return self._parts.health.record_statistics(message, monotonic())
            case PoolsDue():
                return self._parts.pools.due(monotonic())
            case OverridesChanged():
                return {
                    key
                    for server in self._parts.configuration.virtual_servers
                    if server.name in message.virtual_servers
                    for key in server.keys
                }

    async def _handle_election(self, message: Transition | InstanceStatus | ResumeOverdue) -> None:
        parts, election = self._parts, self._parts.election
        if await election.handle(message):
            parts.notifier.note_instances(election.states, election.priority)
            parts.host_reconciler.follow(election.states)
            await parts.dataplane.withhold(election.withheld)

    def _handle_child(self, message: ChildStarted | ChildDied) -> None:
        election = self._parts.election
        is_vrrp = message.name == election.child.name
        if isinstance(message, ChildDied):
            for delay, overdue in election.note_crash(monotonic()) if is_vrrp else ():
                self._put_later(delay, overdue)
        elif is_vrrp:
            election.configure_child()
        elif message.name == self._parts.discovery.name:
            self._parts.discovery.send_settings()
        elif message.name == self._parts.web.name:
            self._parts.web.send_settings()
        else:
            self._parts.health.configure_workers(message.name)

    def _decide_pending(self) -> None:
        """Decide the pending pools, unless further messages are waiting.

        Elections wait for a decision about every pool, so the last verdict is not delayed.
        """
        complete = not self._parts.election.begun and self._parts.health.complete
        more = not complete and self._more_waits()
        if changed := self._pending_pools.take(monotonic(), more=more):
            self._parts.decide(changed)
