"""Decides how long a flapping real server is kept out of its pool. Pure.

A target is flapping if it has failed as often within the window as the policy permits. Its real
servers are then kept out for a time that begins with its latest failure. Every further failure
within the window doubles that time. No real server is kept out while the pool needs it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hadirector.model.configuration import VirtualServer
from hadirector.model.ipvs import DestinationKey
from hadirector.model.policy import FlapDamping
from hadirector.pools.candidate import Candidate
from hadirector.pools.facts import Facts


def apply_flap_damping(
    server: VirtualServer, candidates: Sequence[Candidate], facts: Facts
) -> dict[DestinationKey, float]:
    """Give flapping real servers weight 0; return the time at which each stops flapping.

    With weight 0 their existing connections continue. A flapping real server keeps
    its weight while the other passing real servers are below the quorum or below
    ``min_healthy``.
    """
    policy = server.flap_damping
    if policy is None:
        return {}
    flapping: dict[DestinationKey, float] = {}
    damped: list[Candidate] = []
    for candidate in candidates:
        check = candidate.real_server.check
        if check is None or candidate.unseen or not candidate.serving:
            continue
        until = flaps_until(policy, facts.target(check).failures)
        if facts.now < until:
            flapping[candidate.real_server.key] = until
            damped.append(candidate)
    if damped:
        needed = not _suffices(server, candidates, flapping)
        for candidate in damped:
            if needed:
                candidate.keep("flapping, but the pool needs the real server")
            else:
                candidate.remove(0, "flapping: kept out of the pool")
    return flapping


def flaps_until(policy: FlapDamping, failures: Sequence[float]) -> float:
    """Return when a target with failures at these times stops flapping; 0 if it is not flapping."""
    recent = sum(failures[-1] - failure <= policy.window for failure in failures)
    if recent < policy.failures:
        return 0.0
    return failures[-1] + min(policy.hold * 2.0 ** (recent - policy.failures), policy.hold_max)


def _suffices(
    server: VirtualServer,
    candidates: Sequence[Candidate],
    flapping: Mapping[DestinationKey, float],
) -> bool:
    """Decide whether the passing real servers that do not flap are enough for the pool."""
    steady = [
        candidate
        for candidate in candidates
        if candidate.serving
        and candidate.full_weight
        and not candidate.unseen
        and candidate.real_server.key not in flapping
    ]
    members = sum(
        1 for candidate in candidates if candidate.full_weight and not candidate.overridden_out
    )
    enough = sum(candidate.full_weight for candidate in steady) >= server.quorum
    return enough and len(steady) >= server.min_healthy.of(members)
