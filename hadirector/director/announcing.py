"""Gives the announcer the facts of the director, and the packets of its virtual addresses."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from hadirector.announce.decision import Facts
from hadirector.dataplane.dataplane import DataplaneError
from hadirector.dataplane.reconciler import TableReconciler
from hadirector.director.fitness import FitnessMonitor
from hadirector.director.pools import Pools
from hadirector.health.verdicts import Health
from hadirector.model.configuration import Configuration


def announcement_facts(
    configuration: Configuration, fitness: FitnessMonitor, health: Health, pools: Pools
) -> Facts:
    """Return the facts that decide about announcements now."""
    return Facts(
        held_out=fitness.current.held_out,
        unfit=fitness.current.reasons,
        blind=health.blindness.blind,
        passing=dict(_passing(configuration, pools)),
    )


def _passing(configuration: Configuration, pools: Pools) -> Iterator[tuple[str, float]]:
    """Yield the passing part of the configured weight of each pool that a group depends on."""
    if configuration.announce is None:
        return
    names = {pool for group in configuration.announce.groups for pool in group.pools}
    for server in configuration.virtual_servers:
        judgement = pools.judgements.get(server.name)
        if server.name not in names or judgement is None:
            continue
        total = sum(member.weight for member in server.real_servers if not member.reserve)
        yield server.name, 100.0 * judgement.passing / total if total else 100.0


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
