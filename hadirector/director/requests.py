"""Answers the questions of operators to a running director."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from time import monotonic
from typing import Any, Final

from msgspec.structs import replace

from hadirector import __version__
from hadirector.dataplane.dataplane import TableCounters
from hadirector.dataplane.slices import Slices
from hadirector.director import explaining
from hadirector.director.objects import find_real_server, find_virtual_server
from hadirector.director.pair_view import PairView
from hadirector.director.parts import Parts
from hadirector.director.request_errors import UnknownObjectError
from hadirector.host import preflight
from hadirector.model.configuration import VirtualServer
from hadirector.overrides.model import RealServerName
from hadirector.processes.supervisor import Child
from hadirector.status.configurations import PendingStatus
from hadirector.status.explanation import (
    InstanceExplanation,
    RealServerExplanation,
    VirtualServerExplanation,
)
from hadirector.status.pause_status import describe_pause
from hadirector.status.problems import judge_director
from hadirector.status.report import (
    PoolSums,
    ProcessStatus,
    Status,
    VirtualServerStatus,
    foreign_services,
    real_server_statuses,
    virtual_server_status,
)
from hadirector.status.summary import DirectorSummary, summarize
from hadirector.status.takeover import Successor
from vrrp.model.report import InstanceStatus

EVENTS_MAX: Final = 20
"""The maximum number of events in an explanation. It has the latest events."""


class OperatorRequests:
    """Describes and explains the state of the director."""

    def __init__(
        self,
        parts: Parts,
        pending: Callable[[], PendingStatus | None],
        pair: PairView | None = None,
    ) -> None:
        self._parts = parts
        self._pending = pending
        self._pair = pair

    async def explain(self, name: str) -> RealServerExplanation:
        """Explain the weight of a real server. Raises RequestError and DataplaneError."""
        parts = self._parts
        server, real_server = find_real_server(self._parts.configuration, name)
        table = await parts.table_reconciler.read_counters(server.keys)
        judgement = parts.pools.judgements.get(server.name)
        [status] = real_server_statuses(
            replace(server, real_servers=(real_server,), sorry_server=None),
            parts.pools.table,
            table,
            parts.health.targets,
            judgement=judgement,
            overrides=parts.overrides.current,
            now=(now := monotonic()),
        )
        override = parts.overrides.current.get(RealServerName(server.name, real_server.name))

        def remaining(at: float | None) -> float | None:
            return None if at is None else at - now

        return RealServerExplanation(
            name=f"{server.name}/{real_server.name}",
            steps=judgement.derivations[real_server.key] if judgement else (),
            status=status,
            events=parts.recorder.event_log.about(server.name, real_server.name)[-EVENTS_MAX:],
            expires_in=remaining(override.expires_at) if override else None,
            deadline_in=remaining(override.deadline) if override else None,
            keep_clients=override.keep_clients if override else None,
            flaps_for=remaining(judgement.flapping.get(real_server.key)) if judgement else None,
            paused=parts.describe_pause(),
            peers=parts.sharing.describe(override.stamp if override else None),
        )

    def instances(self) -> tuple[InstanceStatus, ...]:
        """Return the status of each VRRP instance, from memory.

        A director reports an instance for the first time within a second of its start.
        """
        parts = self._parts
        return parts.election.current_statuses(monotonic(), parts.fitness.current.held_out)

    def instance(self, name: str) -> InstanceStatus:
        """Return the status of a VRRP instance. Raises UnknownObjectError."""
        statuses = {status.instance: status for status in self.instances()}
        if name not in statuses:
            raise UnknownObjectError("VRRP instance", name, statuses)
        return statuses[name]

    def explain_instance(self, name: str) -> InstanceExplanation:
        """Explain the state of a VRRP instance. Raises UnknownObjectError."""
        parts = self._parts
        status = self.instance(name)
        return InstanceExplanation(
            status=status,
            unfit=parts.fitness.current.reasons,
            pair_readiness=parts.readiness.status,
            events=parts.recorder.event_log.about_instance(name)[-EVENTS_MAX:],
            takeover=explaining.predict(parts, status, self._successor(name)),
            paused=parts.describe_pause(),
        )

    def _successor(self, instance: str) -> Successor | None:
        return None if self._pair is None else self._pair.successor(instance)

    async def explain_virtual_server(self, name: str) -> VirtualServerExplanation:
        """Explain whom a virtual server serves. Raises RequestError and DataplaneError."""
        parts = self._parts
        server = find_virtual_server(parts.configuration, name)
        table = await parts.table_reconciler.read_counters(server.keys)
        status = await self._virtual_server_status(server, table, Slices(rest=True))
        events = parts.recorder.event_log.about_virtual_server(name)[-EVENTS_MAX:]
        return explaining.explain_virtual_server(parts, server, status, events)

    async def status(self) -> Status:
        """Return the current status. Raises DataplaneError if the IPVS table cannot be read."""
        parts = self._parts
        table = await parts.table_reconciler.read_counters()
        configuration, workers = parts.configuration, parts.health.workers
        children: list[Child[Any]] = [
            parts.election.child,
            *workers.children,
            *([] if parts.web.child is None else [parts.web.child]),
            *([] if parts.alerts.webhooks.child is None else [parts.alerts.webhooks.child]),
        ]
        statistics = workers.statistics
        status = Status(
            name=configuration.name,
            version=__version__,
            pid=os.getpid(),
            dataplane=configuration.dataplane,
            processes=tuple(
                ProcessStatus(child.name, child.pid, child.restarts, child.version)
                for child in children
            ),
            instances=self.instances(),
            virtual_servers=await self._virtual_server_statuses(table),
            foreign_services=foreign_services(parts.configuration, table),
            failing=parts.table_reconciler.failing,
            repaired=parts.table_reconciler.repaired,
            probes=statistics.probes,
            probe_lateness=statistics.lateness,
            hints=statistics.hints,
            idle_connections=statistics.idle_connections,
            host=parts.host_reconciler.status,
            orphaned_overrides=parts.overrides.find_orphans(),
            pending_overrides=parts.sharing.count_pending(),
            suspicions=parts.suspecting.status,
            blind=parts.health.blindness.blind,
            delayed_probes=statistics.delayed_probes,
            discarded_results=statistics.discarded,
            unattended_seconds=statistics.unattended,
            unfit=parts.fitness.current.reasons,
            warnings=(
                *parts.memory.warnings,
                *parts.configuration.warnings,
                *preflight.missing_interfaces(parts.configuration),
                *(
                    f"{address.place}: {address.description}"
                    for address in parts.host_reconciler.unheld
                ),
                *parts.closer_look.warnings,
            ),
            observing=configuration.observing,
            risks=parts.configuration.warnings,
            difference_count=configuration.difference_count,
            process_polling=parts.tracking.processes.polling,
            pause=describe_pause(parts.pause.current, monotonic()),
            pending_configuration=self._pending(),
            pair=None if self._pair is None else self._pair.summary(),
            sources=parts.sources(),
            publication=parts.publication.status(configuration.fleet),
            announcements=parts.announcer.status(monotonic()),
            table_digest=await parts.hash_tables.digest(parts.pools.table),
            alert_receivers=parts.alerts.receivers,
            pair_readiness=parts.readiness.status,
        )
        # A status never changes, so a thread can read it: 10,000 real servers take 50 ms.
        verdict = await asyncio.to_thread(judge_director, status)
        return replace(status, verdict=verdict)

    async def summary(self, status: Status) -> DirectorSummary:
        """Return the summary of a status, for a fleet."""
        parts = self._parts
        hashes = await parts.hashed_configuration.hashes(parts.configuration)
        overrides = parts.overrides.current
        return await asyncio.to_thread(summarize, status, hashes.whole, hashes.sections, overrides)

    async def _virtual_server_statuses(
        self, table: TableCounters
    ) -> tuple[VirtualServerStatus, ...]:
        """Return the status of each virtual server, with pauses: 10,000 real servers take 0.1 s."""
        slices = Slices(rest=True)
        servers = self._parts.configuration.virtual_servers
        return tuple(
            [await self._virtual_server_status(server, table, slices) for server in servers]
        )

    async def _virtual_server_status(
        self, server: VirtualServer, table: TableCounters, slices: Slices
    ) -> VirtualServerStatus:
        parts = self._parts
        judgement = parts.pools.judgements.get(server.name)
        now = monotonic()
        members, sums = [], PoolSums()
        for member in real_server_statuses(
            server,
            parts.pools.table,
            table,
            parts.health.targets,
            judgement=judgement,
            overrides=parts.overrides.current,
            now=now,
        ):
            members.append(member)
            sums.add(member)
            await slices.pause()
        return virtual_server_status(server, members, sums, table, judgement)
