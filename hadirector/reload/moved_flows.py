"""Predicts which share of the flows of a hash scheduler a new configuration moves. Pure.

The prediction compares the table of the kernel with the table that it has as soon as every new real
server has passed, and every outgoing real server has left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec.structs import replace

from checks.definition.result import Verdict
from hadirector.dataplane.hash_tables import moved_share
from hadirector.dataplane.rerouted_flows import broken_shares
from hadirector.model.configuration import Configuration, VirtualServer
from hadirector.model.ipvs import HASH_SCHEDULERS, ServiceEntry, ServiceKey, Table
from hadirector.pools.decision import judge
from hadirector.pools.entries import wanted_entries
from hadirector.pools.facts import Facts
from hadirector.pools.slow_start import LONG_AGO

PREDICTIONS_MAX: Final = 100
"""Services with a prediction. Each one takes about 10 ms."""
USUAL_DIRECTORS: Final = (2, 4, 16)
"""The numbers of directors of a prediction, if no pair link tells how many there are."""


def moved_flows(
    actual: Table,
    wanted: Table,
    new: Configuration,
    facts: Facts,
    quorums: Mapping[str, bool],
) -> Iterator[str]:
    """Yield a line for each service of which connections move to another real server.

    ``actual`` is the table in the kernel. Its shares, which the kernel does not have, are those of
    ``wanted``.
    """
    passing = {
        identity: replace(target, verdict=Verdict.PASSING)
        if target.verdict is Verdict.UNKNOWN
        else target
        for identity, target in facts.targets.items()
    }
    settled = replace(facts, targets=passing)
    directors = _numbers_of_directors(new)
    predictions = left_out = 0
    for server in new.virtual_servers:
        if server.service.scheduler not in HASH_SCHEDULERS:
            continue
        for key, after in _settled_entries(server, settled, quorums).items():
            before = _with_shares(actual.get(key), wanted.get(key))
            if before is None or _is_equal(before, after):
                continue
            predictions += 1
            if predictions > PREDICTIONS_MAX:
                left_out += 1
            elif share := moved_share(before, after):
                yield f"{key}: {share:.1%} of the flows get another real server"
                if new.announce is not None and key.address in new.announce.addresses:
                    yield from (_broken(key, share, number) for number in directors)
    if left_out:
        yield f"{left_out} more services change; their flows are not predicted"


def _numbers_of_directors(new: Configuration) -> tuple[int, ...]:
    return USUAL_DIRECTORS if new.pair is None else (1 + len(new.pair.peers),)


def _broken(key: ServiceKey, moved: float, directors: int) -> str:
    """Describe the flows that break if a director is lost, or returns, while they are open."""
    broken = broken_shares(moved, directors)
    least, most = f"{broken.threshold_least:.1%}", f"{broken.threshold_most:.1%}"
    threshold = most if least == most else f"{least} to {most}"
    return (
        f"{key}: if one of {directors} directors is lost or returns, {broken.resilient:.1%} of the "
        f"open flows break with resilient ECMP, {threshold} with hash-threshold ECMP"
    )


def _settled_entries(
    server: VirtualServer, facts: Facts, quorums: Mapping[str, bool]
) -> dict[ServiceKey, ServiceEntry]:
    serving_since = {real_server.key: LONG_AGO for real_server in server.all_servers}
    return wanted_entries(server, judge(server, facts, quorums.get(server.name), serving_since))


def _with_shares(actual: ServiceEntry | None, wanted: ServiceEntry | None) -> ServiceEntry | None:
    if actual is None or wanted is None:
        return actual
    return replace(actual, shares=wanted.shares)


def _is_equal(before: ServiceEntry, after: ServiceEntry) -> bool:
    """Return whether two services have the same table, because the kernel fills it the same way."""
    return (
        before.service == after.service
        and list(before.destinations.items()) == list(after.destinations.items())
        and before.shares == after.shares
    )
