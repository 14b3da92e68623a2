"""Gives the announcer the facts of the director and of its peers, and the arrived packets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from hadirector.announce.decision import Facts
from hadirector.dataplane.dataplane import DataplaneError
from hadirector.dataplane.reconciler import TableReconciler
from hadirector.dataplane.table_digest import table_digest
from hadirector.director.fitness import FitnessMonitor
from hadirector.director.pools import Pools
from hadirector.health.verdicts import Health
from hadirector.model.configuration import Configuration, VirtualServer
from hadirector.model.ipvs import Table
from hadirector.pair.state import PairState
from hadirector.pools.decision import Judgement


class HashTables:
    """The digest of the own hash tables, compared with those of the peers.

    ``peers`` returns the states of the peers that answer.
    """

    def __init__(self, table_bits: str) -> None:
        self.peers: Callable[[], Sequence[PairState]] = tuple
        self._table_bits = table_bits
        self._known: tuple[Table, str] | None = None

    async def digest(self, table: Table) -> str:
        """Return the digest of a table. It is made once for each table, in a thread."""
        if self._known is None or self._known[0] is not table:
            found = await asyncio.to_thread(table_digest, table, self._table_bits)
            self._known = table, found
        return self._known[1]

    def find_differing(self) -> dict[str, str]:
        """Return, by the name of a group, which peer announces it with other tables."""
        own = "" if self._known is None else self._known[1]
        return {
            group: f"{state.name} announces {group} with other hash tables"
            for state in self.peers()
            if own and state.hash_tables not in ("", own)
            for group in state.announced
        }


def announcement_facts(
    configuration: Configuration, fitness: FitnessMonitor, health: Health, pools: Pools
) -> Facts:
    """Return the facts that decide about announcements now."""
    return Facts(
        held_out=fitness.current.held_out,
        unfit=fitness.current.reasons,
        blind=health.blindness.blind,
        passing=dict(_passing(configuration, pools.judgements)),
    )


def _passing(
    configuration: Configuration, judgements: Mapping[str, Judgement]
) -> Iterator[tuple[str, float]]:
    """Yield the passing part of the configured weight of each pool that a group depends on."""
    if configuration.announce is None:
        return
    names = {pool for group in configuration.announce.groups for pool in group.pools}
    for server in configuration.virtual_servers:
        judgement = judgements.get(server.name)
        if server.name not in names or judgement is None:
            continue
        yield server.name, passing_part(server, judgement)


def passing_part(server: VirtualServer, judgement: Judgement) -> float:
    """Return the passing part of the configured weight of a pool, in percent."""
    total = sum(
        member.weight for member in server.real_servers if not member.reserve and not member.absent
    )
    if total:
        return 100.0 * judgement.passing / total
    # A discovered pool without members may be a pool whose source was never read.
    return 0.0 if server.discovered else 100.0


async def count_packets(
    configuration: Configuration, table_reconciler: TableReconciler, addresses: Collection[str]
) -> int | None:
    """Return the packets that IPVS has forwarded for these addresses; None if it is not known."""
    keys = [
        key
        for server in configuration.virtual_servers
        for key in server.keys
        if key.address in addresses
    ]
    try:
        counters = await table_reconciler.read_counters(keys)
    except DataplaneError:
        return None
    return sum(each.total.packets_in for pool in counters.values() for each in pool.values())
