"""The pools of a running director: their latest decisions, and the wanted IPVS table."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from time import monotonic
from typing import Final, Protocol

import msgspec
import structlog

from hadirector.events.event_log import WEIGHT_DECIDED
from hadirector.health.target import Assumptions
from hadirector.model.configuration import Configuration, VirtualServer
from hadirector.model.ipvs import DestinationKey, ServiceEntry, ServiceKey, Table
from hadirector.model.vip_probes import probe_services
from hadirector.pools.adoption import (
    PoolsSnapshot,
    adopted_quorums,
    adopted_serving_since,
    assume,
    take_snapshot,
)
from hadirector.pools.changes import pool_changes, weight_changes
from hadirector.pools.decision import Judgement, judge
from hadirector.pools.entries import wanted_entries
from hadirector.pools.facts import Facts
from hadirector.pools.outgoing import Outgoing, find_outgoing, is_unread, without_draining

REST_SECONDS: Final = 0.2
"""The minimum time between two decisions that are caused by the passage of time."""


class PoolsDue(msgspec.Struct, frozen=True):
    """Message: a weight changes now because time has passed, for example in a slow start."""


class Note(Protocol):
    """A function that records an event."""

    def __call__(self, name: str, /, **fields: object) -> None:
        """Record the event with its fields."""


class Pools:
    """Decides about pools, stores the inputs of the next decision, and records events."""

    def __init__(self, configuration: Configuration, note: Note) -> None:
        self.table: Table = {}
        self.judgements: dict[str, Judgement] = {}
        self.quorums: dict[str, bool] = {}
        self.serving_since: dict[str, Mapping[DestinationKey, float]] = {}
        self._configuration = configuration
        self._note = note
        self._log = structlog.get_logger()
        self._next_changes: dict[str, float] = {}
        self.outgoing: dict[str, Outgoing] = {}
        self._decided = asyncio.Event()

    @property
    def held(self) -> dict[str, tuple[DestinationKey, ...]]:
        """The failing real servers that are held in their pools, by virtual server."""
        return {
            name: judgement.held for name, judgement in self.judgements.items() if judgement.held
        }

    @property
    def unread(self) -> list[str]:
        """The virtual servers for which no discovery source has named a real server yet."""
        servers = self._configuration.virtual_servers
        return [server.name for server in servers if is_unread(server)]

    def adopt(self, table: Table, snapshot: PoolsSnapshot) -> None:
        """Start from the IPVS table and the snapshot of the previous run."""
        self.quorums = adopted_quorums(self._configuration, table, snapshot)
        self.serving_since = adopted_serving_since(self._configuration, table, snapshot)
        self.outgoing = find_outgoing(
            self._configuration, table, monotonic(), required=snapshot.required
        )

    def snapshot(self) -> PoolsSnapshot:
        """Return the state of the pools to store for the next start."""
        required = {
            name: outgoing.required
            for name, outgoing in self.outgoing.items()
            if outgoing.serving_keys
        }
        return take_snapshot(self._configuration, self.quorums, self.serving_since, required)

    async def run(self, put: Callable[[PoolsDue], Awaitable[None]]) -> None:
        """Put a PoolsDue message whenever a weight changes with time, until cancelled."""
        rested_at = 0.0
        while True:
            self._decided.clear()
            due = min(self._next_changes.values(), default=math.inf)
            delay = max(due, rested_at) - monotonic()
            with suppress(TimeoutError):
                async with asyncio.timeout(delay if delay < math.inf else None):
                    await self._decided.wait()
                continue
            await put(PoolsDue())
            rested_at = monotonic() + REST_SECONDS

    def due(self, now: float) -> frozenset[ServiceKey]:
        """Return the services of the pools whose next change is due at ``now``."""
        due = {name for name, at in self._next_changes.items() if at <= now}
        return frozenset(
            key
            for server in self._configuration.virtual_servers
            if server.name in due
            for key in server.keys
        )

    def assume(self, configuration: Configuration) -> Assumptions:
        """Return the verdicts to assume for checks of a new configuration until their results."""
        table = without_draining(self.table, self.outgoing)
        return assume(self._configuration, configuration, table, self.held)

    def configure(self, configuration: Configuration) -> None:
        """Replace the pools. A pool with the same name keeps its state.

        Real servers that serve now and are no longer configured stay for a limited time.
        """
        self._configuration = configuration
        self.outgoing = find_outgoing(configuration, self.table, monotonic(), self.outgoing)
        names = {server.name for server in configuration.virtual_servers}
        for remembered in (
            self.quorums,
            self.serving_since,
            self._next_changes,
            self.judgements,
        ):
            for name in remembered.keys() - names:
                del remembered[name]

    def decide(self, changed: Collection[ServiceKey] | None, facts: Facts) -> None:
        """Decide the pools of the changed services, or all pools, and update the wanted table."""
        entries: dict[ServiceKey, ServiceEntry] = {}
        for server in self._configuration.virtual_servers:
            if changed is None or any(key in changed for key in server.keys):
                entries |= wanted_entries(server, self._judge(server, facts))
        # The services of probes come first, because probes must only reach their real server.
        others = probe_services(self._configuration) if changed is None else self.table
        self.table = {**others, **entries}
        self._decided.set()

    def _judge(self, server: VirtualServer, facts: Facts) -> Judgement:
        before = self.judgements.get(server.name)
        had_quorum = self.quorums.get(server.name)
        judgement = judge(
            server,
            facts,
            had_quorum,
            self.serving_since.get(server.name, {}),
            self.outgoing.get(server.name),
        )
        if judgement.hold.outgoing is None:
            self.outgoing.pop(server.name, None)
        else:
            self.outgoing[server.name] = judgement.hold.outgoing
        self.judgements[server.name] = judgement
        self.serving_since[server.name] = judgement.serving_since
        self._next_changes.pop(server.name, None)
        if judgement.next_change is not None:
            self._next_changes[server.name] = judgement.next_change
        if judgement.quorum is not None:
            self.quorums[server.name] = judgement.quorum
        for level, event, fields in pool_changes(server, before, judgement, had_quorum):
            getattr(self._log, level)(event, **fields)
        if before is not None:
            for fields in weight_changes(server, before, judgement, facts):
                self._note(WEIGHT_DECIDED, **fields)
        return judgement
