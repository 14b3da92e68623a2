"""Collects the facts for the explanation of an instance and of a virtual server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hadirector.director.parts import Parts
from hadirector.events.event_log import Event
from hadirector.model.configuration import VirtualServer
from hadirector.model.ipvs import ForwardingMethod
from hadirector.status.explanation import AddressHolder, VirtualServerExplanation
from hadirector.status.pool_problems import pool_problems
from hadirector.status.report import VirtualServerStatus
from hadirector.status.takeover import PoolReserve, Successor, Takeover, predict_takeover
from vrrp.model.report import InstanceStatus, State


def predict(parts: Parts, instance: InstanceStatus, successor: Successor | None = None) -> Takeover:
    """Predict what would happen if the active director of an instance died now."""
    configuration = parts.configuration
    servers = [
        server
        for server in configuration.virtual_servers
        if _holds_address_of(server, instance.virtual_addresses)
    ]
    fullnat = any(ForwardingMethod.FULLNAT in server.forwarding_methods for server in servers)
    return predict_takeover(
        instance,
        parts.fitness.current.reasons,
        parts.host_reconciler.status.sync_daemon,
        syncable=configuration.dataplane == "ipvs" and not fullnat,
        pools=[_reserve(parts, server) for server in servers],
        successor=successor,
    )


def explain_virtual_server(
    parts: Parts, server: VirtualServer, status: VirtualServerStatus, events: tuple[Event, ...]
) -> VirtualServerExplanation:
    """Return the explanation of a virtual server, for ``hadirector why``."""
    observing = parts.configuration.observing
    return VirtualServerExplanation(
        status=status,
        holders=tuple(_holders(parts, server)),
        problems=tuple(pool_problems(status, observing=observing)),
        events=events,
        hysteresis=server.hysteresis,
        healthy_minimum=server.min_healthy.of(sum(not each.absent for each in server.real_servers)),
        paused=parts.describe_pause(),
    )


def _holders(parts: Parts, server: VirtualServer) -> Iterator[AddressHolder]:
    election = parts.election
    for name, instance in election.instances.items():
        if _holds_address_of(server, instance.held_addresses):
            active = election.states.get(name) is State.ACTIVE
            status = election.statuses.get(name)
            yield AddressHolder(name, active, status.active_router if status else None)


def _holds_address_of(server: VirtualServer, addresses: Iterable[str]) -> bool:
    """Return whether one of these addresses is an address of a virtual server."""
    held = {address.partition("/")[0] for address in addresses}
    return any(key.address in held for key in server.keys)


def _reserve(parts: Parts, server: VirtualServer) -> PoolReserve:
    entry = parts.pools.table.get(server.keys[0])
    destinations = entry.destinations if entry else {}
    members = (member.destination_key(server.keys[0]) for member in server.real_servers)
    serving = sum(key in destinations and destinations[key].weight > 0 for key in members)
    total = sum(not member.absent for member in server.real_servers)
    return PoolReserve(server.name, serving, total)
