"""Decides how long real servers stay in their pool after a reload has removed them. Pure.

The new real servers of a pool serve after their first passing probe. Until then the outgoing real
servers continue to serve, so that a reload that replaces all real servers does not empty the pool.
The wait is limited, because an outgoing real server is no longer checked.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from hadirector.model.configuration import Configuration, VirtualServer
from hadirector.model.ipvs import Destination, DestinationKey, ServiceEntry, ServiceKey, Table
from hadirector.pools.candidate import Candidate
from hadirector.pools.facts import Facts

FIRST_PROBES_SECONDS: Final = 2.0
"""Within this time after a reload, the first probes of all new targets begin. Usually it is 1 s."""
BLIND_SECONDS: Final = 1.0
"""The time between two decisions about outgoing real servers while the director is blind."""
DRAIN_SECONDS: Final = 10.0
"""How long outgoing real servers keep their connections after they no longer serve."""
HOLD_SECONDS_MAX: Final = 60.0
"""The longest time that outgoing real servers stay, however long the timeouts of new checks are."""


class Outgoing(msgspec.Struct, frozen=True):
    """The real servers that a reload removed from a virtual server and that still serve or drain.

    ``destinations`` has them for each service.

    They serve until ``required`` new real servers serve, or until every new real server has a
    verdict, but at most until ``deadline`` (monotonic seconds). Then they drain: they stay with
    weight 0 until ``drained_at``. If the new real servers come from a discovery source that was
    not read yet (``unread``), the outgoing real servers wait for its first list.
    """

    destinations: Mapping[ServiceKey, Mapping[DestinationKey, Destination]]
    required: int
    deadline: float
    drained_at: float | None = None
    unread: bool = False

    @property
    def keys(self) -> tuple[DestinationKey, ...]:
        """The outgoing real servers, sorted by address and port."""
        return tuple(sorted({key for pool in self.destinations.values() for key in pool}))

    @property
    def serving_keys(self) -> tuple[DestinationKey, ...]:
        """The outgoing real servers with a weight above 0, sorted by address and port."""
        pools = self.destinations.values()
        return tuple(
            sorted({key for pool in pools for key, target in pool.items() if target.weight})
        )

    def drain(self, now: float) -> Outgoing:
        """Return these real servers with weight 0, until the end of a drain that begins now."""
        drained = {
            service: {key: replace(destination, weight=0) for key, destination in pool.items()}
            for service, pool in self.destinations.items()
        }
        return replace(self, destinations=drained, drained_at=now + DRAIN_SECONDS)


class Hold(NamedTuple):
    """The outgoing real servers that stay in the table (None: all leave), and the reason.

    At ``until`` (monotonic seconds) the decision must be made again.
    """

    outgoing: Outgoing | None
    reason: str = ""
    until: float = 0.0


NO_HOLD: Final = Hold(None)


def find_outgoing(
    configuration: Configuration,
    table: Table,
    now: float,
    previous: Mapping[str, Outgoing] = {},
    required: Mapping[str, int] = {},
) -> dict[str, Outgoing]:
    """Return the real servers of a table that are not configured any more, by virtual server.

    ``table`` is the table before the change. A destination with weight 0 counts only if it is
    one of the ``previous`` outgoing real servers and still drains. If an earlier change is not
    complete, its number of new real servers is still required. It comes from ``previous``, or
    after a restart from ``required``, by virtual server.
    """
    return dict(_find_outgoing(configuration, table, now, previous, required))


def _find_outgoing(
    configuration: Configuration,
    table: Table,
    now: float,
    previous: Mapping[str, Outgoing],
    required: Mapping[str, int],
) -> Iterator[tuple[str, Outgoing]]:
    for server in configuration.virtual_servers:
        before = previous.get(server.name)
        destinations = {}
        for service in server.keys:
            configured = {
                member.key if member.key.port else member.destination_key(service)
                for member in server.all_servers
            }
            draining = before.destinations.get(service, {}) if before is not None else {}
            entry = table.get(service)
            if not draining and (entry is None or entry.destinations.keys() <= configured):
                continue  # the usual case, which must be fast
            pool = _serving(table, service)
            # In the order of the table, so that the destinations of sh and mh need not move.
            leaving = {
                key: destination
                for key, destination in {**draining, **pool}.items()
                if key not in configured and (destination.weight == 0 or key in pool)
            }
            if leaving:
                destinations[service] = leaving
        if not destinations:
            continue
        serving = max(len(_serving(table, service)) for service in server.keys)
        if before is not None and before.serving_keys:
            serving = max(serving, before.required)
        serving = max(serving, required.get(server.name, 0))
        members = sum(bool(member.weight) for member in server.real_servers)
        unread = is_unread(server)
        found = Outgoing(
            destinations,
            serving if unread else min(serving, members),
            math.inf if unread else now + _hold_seconds(server),
            unread=unread,
        )
        if before is not None and not found.serving_keys:
            found = replace(before, destinations=destinations)
        yield server.name, found


def is_unread(server: VirtualServer) -> bool:
    """Return whether no source of a pool has named a real server yet."""
    return bool(server.discovered) and not any(each.source for each in server.real_servers)


def _serving(table: Table, service: ServiceKey) -> dict[DestinationKey, Destination]:
    """Return the destinations of a service that serve, and that hadirector can make."""
    entry = table.get(service)
    return {
        key: destination
        for key, destination in (entry.destinations if entry else {}).items()
        if destination.weight and destination.forwarding is not None
    }


def without_draining(table: Table, outgoing: Mapping[str, Outgoing]) -> Table:
    """Return a table without the outgoing real servers that drain.

    Verdicts are inferred from this table. A draining real server has weight 0 although it did
    not fail, so if a reload brings it back, its verdict must be unknown.
    """
    draining = {
        (service, key)
        for each in outgoing.values()
        if each.drained_at is not None
        for service, pool in each.destinations.items()
        for key in pool
    }
    if not draining:
        return table
    return {
        service: ServiceEntry(
            entry.service,
            {
                key: destination
                for key, destination in entry.destinations.items()
                if (service, key) not in draining
            },
        )
        for service, entry in table.items()
    }


def hold_outgoing(outgoing: Outgoing | None, candidates: Sequence[Candidate], facts: Facts) -> Hold:
    """Decide whether the outgoing real servers of a pool stay.

    ``candidates`` are the configured real servers after their checks were applied. While the
    director is blind, the outgoing real servers stay, because a failure then proves nothing.
    """
    if outgoing is None:
        return NO_HOLD
    if outgoing.drained_at is not None:
        drains = facts.now < outgoing.drained_at
        return Hold(outgoing, until=outgoing.drained_at) if drains else NO_HOLD
    passing = sum(bool(candidate.serving and candidate.full_weight) for candidate in candidates)
    awaited = outgoing.unread or any(
        candidate.unknown and candidate.full_weight for candidate in candidates
    )
    reason = f"{passing} of {outgoing.required} required real servers pass"
    if outgoing.unread:
        reason = "the source of the new real servers was not read yet"
    if passing >= outgoing.required:
        end = ""
    elif facts.blind:
        return Hold(outgoing, f"{reason}, and the director is blind", facts.now + BLIND_SECONDS)
    elif not awaited:
        end = ", and no real server waits for its first probe"
    elif facts.now >= outgoing.deadline:
        end = ", and the time for first probes is over"
    else:
        return Hold(outgoing, reason, outgoing.deadline)
    return Hold(outgoing.drain(facts.now), reason + end, facts.now + DRAIN_SECONDS)


def _hold_seconds(server: VirtualServer) -> float:
    """Return how long the first probes of the real servers of a pool can take."""
    longest = max(
        (
            member.check.timing.timeout + member.check.timing.jitter
            for member in server.real_servers
            if member.check is not None
        ),
        default=0.0,
    )
    return min(FIRST_PROBES_SECONDS + longest, HOLD_SECONDS_MAX)
