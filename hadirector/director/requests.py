"""What operators ask of a running director, apart from starting it anew or with another file."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from time import monotonic
from typing import Any, Final

import structlog
from msgspec.structs import replace

from hadirector import __version__
from hadirector.dataplane.dataplane import TableCounters
from hadirector.dataplane.reconciler import TableReconciler
from hadirector.director.pools import Pools
from hadirector.election.election import Election
from hadirector.events.event_log import EventLog
from hadirector.health.verdicts import Health
from hadirector.host.owned import Memory
from hadirector.host.reconciler import HostReconciler
from hadirector.host.sysctl import files
from hadirector.host.sysctl.rules import dotted_name
from hadirector.model.configuration import Configuration, RealServer, VirtualServer
from hadirector.overrides.model import OverrideRemoval, OverrideRequest, RealServerName
from hadirector.overrides.store import OVERRIDES_MAX, OverrideStore
from hadirector.processes.supervisor import Child
from hadirector.status.explanation import Why
from hadirector.status.report import (
    ProcessStatus,
    Status,
    VirtualServerStatus,
    foreign_services,
    virtual_server_status,
)

KEEPS_NO_CLIENTS: Final = "net/ipv4/vs/expire_quiescent_template"
NAMED_MAX: Final = 10
"""Names that an error message lists."""
TOLD_MAX: Final = 20
"""Events of a real server that are told with its weight, the last ones."""


class RequestError(Exception):
    """A request that cannot be met. The message says why."""


class OperatorRequests:
    """Answers requests, from what the parts of a director know; an order is stored, then given."""

    def __init__(
        self,
        configuration: Configuration,
        memory: Memory,
        *,
        overrides: OverrideStore,
        reconciler: TableReconciler,
        health: Health,
        election: Election,
        pools: Pools,
        host: HostReconciler,
        event_log: EventLog,
    ) -> None:
        self._configuration = configuration
        self._memory = memory
        self._overrides = overrides
        self._reconciler = reconciler
        self._health = health
        self._election = election
        self._pools = pools
        self._host = host
        self._event_log = event_log
        self._log = structlog.get_logger()

    def configure(self, configuration: Configuration) -> None:
        """Speak of this configuration from now on."""
        self._configuration = configuration

    def hand_over(self, instance: str | None, *, undo: bool) -> list[str]:
        """Give one instance, or all, to the peers until undone; survives reload and restart.

        Returns the names. Raises RequestError when there is no such instance.
        """
        known = list(self._election.instances)
        chosen = known if instance is None else [name for name in known if name == instance]
        if not chosen:
            raise RequestError(f"no VRRP instance {instance or ''} (there are: {', '.join(known)})")
        others = self._election.yielding.difference(chosen)
        try:
            self._memory.remember_yielding(others if undo else others.union(chosen))
        except OSError as error:
            raise RequestError(f"a restart would forget it: {error}") from error
        for name in chosen:
            self._election.hand_over(name, undo=undo)
            self._log.info("handover_undone" if undo else "handover_ordered", instance=name)
        return chosen

    async def order(self, order: OverrideRequest) -> str:
        """Order something for a real server; it survives reload and restart. Says what.

        Raises RequestError when it makes no sense, or could not be kept.
        """
        server, real_server = self._named(order.name)
        name = RealServerName(server.name, real_server.name)
        if (fault := order.contradiction() or self._client_fault(server, order)) is not None:
            raise RequestError(fault)
        kept = self._overrides.current
        if name not in kept and len(kept) >= OVERRIDES_MAX:
            raise RequestError(f"{OVERRIDES_MAX} overrides are kept already; lift some first")
        override = order.override(name, monotonic())
        try:
            await self._overrides.order(override)
        except OSError as error:
            raise RequestError(f"a restart would forget it: {error}") from error
        return f"{name}: {override.words}"

    async def lift(self, lift: OverrideRemoval) -> str:
        """Forget what was ordered for a real server. Says what that was. Raises RequestError."""
        kept = self._overrides.current
        name = next((each for each in kept if str(each) == lift.name), None)
        if name is None:
            server, real_server = self._named(lift.name)
            name = RealServerName(server.name, real_server.name)
        if name not in kept or kept[name].action is not lift.action:
            in_force = f"is {kept[name].words}" if name in kept else "has no order in force"
            raise RequestError(f"{name} {in_force}")
        words = kept[name].words
        try:
            await self._overrides.lift(name)
        except OSError as error:
            raise RequestError(f"a restart would forget it: {error}") from error
        return f"{name}: no longer {words}"

    async def why(self, name: str) -> Why:
        """Derive a real server's weight. Raises RequestError, and DataplaneError."""
        server, real_server = self._named(name)
        held = await self._reconciler.read_counters()
        judgement = self._pools.judgements.get(server.name)
        status = virtual_server_status(
            replace(server, real_servers=(real_server,), sorry_server=None),
            self._pools.table,
            held,
            self._health.verdicts,
            self._health.results,
            judgement=judgement,
            overrides=self._overrides.current,
        )
        override = self._overrides.current.get(RealServerName(server.name, real_server.name))
        now = monotonic()
        until = (override.expires_at, override.deadline) if override else (None, None)
        expires_in, deadline_in = (None if each is None else each - now for each in until)
        flaps_until = judgement.flapping.get(real_server.key) if judgement else None
        return Why(
            name=f"{server.name}/{real_server.name}",
            steps=judgement.derivations[real_server.key] if judgement else (),
            status=status.real_servers[0],
            events=self._event_log.about(server.name, real_server.name)[-TOLD_MAX:],
            expires_in=expires_in,
            deadline_in=deadline_in,
            keep_clients=override.keep_clients if override else None,
            flaps_for=None if flaps_until is None else flaps_until - now,
        )

    def _named(self, name: str) -> tuple[VirtualServer, RealServer]:
        """Find VIRTUAL_SERVER/REAL_SERVER; the port may be missing. Raises RequestError."""
        first, _, second = name.partition("/")
        servers = {each.name: each for each in self._configuration.virtual_servers}
        if first not in servers:
            raise RequestError(f"no virtual server {first} ({_some(servers)})")
        members = servers[first].real_servers
        exact = [each for each in members if each.name == second]
        found = exact or [each for each in members if each.key.address == second]
        if len(found) == 1:
            return servers[first], found[0]
        problem = f"several of {first} have the address" if found else f"{first} has no real server"
        raise RequestError(f"{problem} {second} ({_some(each.name for each in members)})")

    @staticmethod
    def _client_fault(server: VirtualServer, order: OverrideRequest) -> str | None:
        """Say why a drain cannot do to clients of persistence what it is told to.

        The kernel asks one sysctl for all services (ipvs-sysctl.rst, expire_quiescent_template).
        """
        if order.keep_clients is None:
            return None
        if not server.service.persistence:
            return f"{server.name} has no persistence that could keep clients"
        found = files.read([KEEPS_NO_CLIENTS])[KEEPS_NO_CLIENTS]
        if found == str(int(not order.keep_clients)):
            return None
        kept = "goes" if found == "1" else "stays"
        return (
            f"{dotted_name(KEEPS_NO_CLIENTS)} is {found or 'missing'}, so every client of"
            f" persistence {kept}; it can be left to you by sysctls.leave"
        )

    async def status(self) -> Status:
        """Describe this moment. Reads the dataplane; raises DataplaneError when that fails."""
        held = await self._reconciler.read_counters()
        health = self._health
        children: list[Child[Any]] = [self._election.child, *health.workers.children]
        counted = health.workers.statistics
        return Status(
            name=self._configuration.name,
            version=__version__,
            pid=os.getpid(),
            dataplane=self._configuration.dataplane,
            processes=tuple(
                ProcessStatus(child.name, child.pid, child.restarts) for child in children
            ),
            instances=tuple(self._election.statuses.values()),
            virtual_servers=await self._virtual_server_statuses(held),
            foreign_services=foreign_services(self._configuration, held),
            failing=self._reconciler.failing,
            repaired=self._reconciler.repaired,
            probes=counted.probes,
            probe_lateness=counted.lateness,
            hints=counted.hints,
            idle_connections=counted.idle_connections,
            host=self._host.status,
            orphaned_overrides=self._overrides.orphaned(),
            blind=health.eyes.blind,
            delayed_probes=counted.delayed_probes,
        )

    async def _virtual_server_statuses(
        self, held: TableCounters
    ) -> tuple[VirtualServerStatus, ...]:
        """Describe each, with a pause after it: 10,000 real servers take 10 ms and more."""
        health, statuses = self._health, []
        for server in self._configuration.virtual_servers:
            statuses.append(
                virtual_server_status(
                    server,
                    self._pools.table,
                    held,
                    health.verdicts,
                    health.results,
                    judgement=self._pools.judgements.get(server.name),
                    overrides=self._overrides.current,
                )
            )
            await asyncio.sleep(0)
        return tuple(statuses)


def _some(names: Iterable[str]) -> str:
    """List what there is, the first of it."""
    found = list(names)
    more = f" and {len(found) - NAMED_MAX} more" if len(found) > NAMED_MAX else ""
    return f"there are: {', '.join(found[:NAMED_MAX])}{more}"
