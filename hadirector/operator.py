"""What operators ask of a running director, apart from starting it anew or with another file."""

from __future__ import annotations

import asyncio
import os

import structlog

from hadirector import __version__
from hadirector.dataplane.base import Held
from hadirector.dataplane.keeper import TableKeeper
from hadirector.election import Election
from hadirector.health import Health
from hadirector.model import Configuration
from hadirector.pools import Pools
from hadirector.state import Memory
from hadirector.status import (
    ProcessStatus,
    Status,
    VirtualServerStatus,
    foreign_services,
    virtual_server_status,
)
from hadirector.upkeep import Upkeep


class RequestError(Exception):
    """A request that cannot be met. The message says why."""


class Operator:
    """Answers requests, from what the parts of a director know; an order is stored, then given."""

    def __init__(
        self,
        configuration: Configuration,
        memory: Memory,
        *,
        keeper: TableKeeper,
        health: Health,
        election: Election,
        pools: Pools,
        upkeep: Upkeep,
    ) -> None:
        self._configuration = configuration
        self._memory = memory
        self._keeper = keeper
        self._health = health
        self._election = election
        self._pools = pools
        self._upkeep = upkeep
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

    async def status(self) -> Status:
        """Describe this moment. Reads the dataplane; raises DataplaneError when that fails."""
        held = await self._keeper.read_counters()
        health = self._health
        return Status(
            name=self._configuration.name,
            version=__version__,
            pid=os.getpid(),
            dataplane=self._configuration.dataplane,
            processes=tuple(
                ProcessStatus(child.name, child.pid, child.restarts)
                for child in (self._election.child, health.child)
            ),
            instances=tuple(self._election.statuses.values()),
            virtual_servers=await self._virtual_server_statuses(held),
            foreign_services=foreign_services(self._configuration, held),
            failing=self._keeper.failing,
            repaired=self._keeper.repaired,
            probes=health.probes,
            upkeep=self._upkeep.status,
        )

    async def _virtual_server_statuses(self, held: Held) -> tuple[VirtualServerStatus, ...]:
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
                )
            )
            await asyncio.sleep(0)
        return tuple(statuses)
