"""Gathers the state of this director for its peers.

A pool is examined again only if its decision, its wanted or its known entries are other objects
than before, so a state of 500 virtual servers takes 2 ms.
"""

from __future__ import annotations

import time
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from msgspec.structs import replace

from hadirector import __version__
from hadirector.dataplane.slices import Slices
from hadirector.director.connection_counts import ConnectionCounts
from hadirector.director.parts import Parts
from hadirector.model.configuration import VirtualServer
from hadirector.model.ipvs import ServiceEntry
from hadirector.pair.contents import (
    connection_sync,
    failover_states,
    fit,
    instance_state,
    virtual_server_state,
)
from hadirector.pair.state import (
    GROUPS_MAX,
    InstanceState,
    PairState,
    PauseState,
    VirtualServerState,
)
from hadirector.pools.decision import Judgement

Entries = tuple[ServiceEntry | None, ...]


class _Examined(NamedTuple):
    """The state of a virtual server, and the objects that it was made of."""

    server: VirtualServer
    judgement: Judgement | None
    wanted: Entries
    actual: Entries
    state: VirtualServerState

    def is_of(
        self, server: VirtualServer, judgement: Judgement | None, wanted: Entries, actual: Entries
    ) -> bool:
        """Return whether the state was made of these same objects."""
        return (
            self.server is server
            and self.judgement is judgement
            and all(map(_is, self.wanted, wanted))
            and all(map(_is, self.actual, actual))
        )


class OwnState:
    """Gathers the state. ``incarnation`` is the id of this run."""

    def __init__(self, parts: Parts, incarnation: str) -> None:
        self._parts = parts
        self._incarnation = incarnation
        self._examined: dict[str, _Examined] = {}
        self._connections = ConnectionCounts(parts)

    async def gather(self, generation: int) -> PairState:
        """Return the current state with this generation. The director must have a pair link."""
        parts = self._parts
        pair = parts.configuration.pair
        assert pair is not None, "only a director with a pair link has a state for peers"
        servers = await self._virtual_servers()
        overrides = await parts.sharing.state()
        hashes = await parts.hashed_configuration.hashes(parts.configuration)
        threads = parts.host_reconciler.status.sync_daemon.running
        return fit(
            PairState(
                pair=pair.name,
                name=parts.configuration.name,
                incarnation=self._incarnation,
                generation=generation,
                version=__version__,
                clock=time.time(),  # noqa: TID251  # the peer compares the clocks
                configuration=hashes,
                instances=self.instances(),
                readiness=parts.readiness.facts,
                virtual_servers=servers,
                overrides=overrides,
                pause=self._pause(),
                last_failovers=failover_states(parts.recorder.history.entries),
                suspicions=parts.suspecting.current(monotonic()),
                connection_sync=connection_sync(parts.configuration.sync_daemon, threads),
                hash_tables=await parts.hash_tables.digest(parts.pools.table),
                announced=parts.announcer.announced[:GROUPS_MAX],
            )
        )

    def instances(self) -> tuple[InstanceState, ...]:
        """Return the states of the VRRP instances."""
        parts = self._parts
        configured = {each.name: each for each in parts.configuration.vrrp}
        now = monotonic()
        found = parts.election.current_statuses(now, parts.fitness.current.held_out)
        return tuple(
            instance_state(each, configured[each.instance], _read_mtu(each.interface), now)
            for each in found
            if each.instance in configured
        )

    def _pause(self) -> PauseState | None:
        pause = self._parts.pause.current
        if pause is None:
            return None
        left = max(0.0, pause.ends_at - monotonic())
        return PauseState(pause.actor, pause.reason, pause.elections, left)

    async def _virtual_servers(self) -> tuple[VirtualServerState, ...]:
        slices = Slices()
        servers = self._parts.configuration.virtual_servers
        before, self._examined = self._examined, {}
        for server in servers:
            self._examined[server.name] = self._examine(server, before.get(server.name))
            await slices.pause()
        connections = await self._connections.current()
        return tuple(
            replace(self._examined[server.name].state, connections=connections.get(server.name, 0))
            for server in servers
        )

    def _examine(self, server: VirtualServer, known: _Examined | None) -> _Examined:
        parts = self._parts
        judgement = parts.pools.judgements.get(server.name)
        wanted = tuple(parts.pools.table.get(key) for key in server.keys)
        actual = tuple(parts.table_reconciler.known_entry(key) for key in server.keys)
        if known is not None and known.is_of(server, judgement, wanted, actual):
            return known
        state = virtual_server_state(server, parts.health.targets, wanted, actual)
        return _Examined(server, judgement, wanted, actual, state)


def _read_mtu(interface: str) -> int:
    """Return the MTU of an interface, 0 if it is missing. It takes some microseconds."""
    try:
        return int(Path("/sys/class/net", interface, "mtu").read_bytes())
    except (OSError, ValueError):
        return 0


def _is(one: object, other: object) -> bool:
    return one is other
