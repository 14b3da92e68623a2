"""Decides for how long a real server that flaps is held out of its pool.

Pure. A target that failed as often as the policy says, within its window, has flapped. It is held
out from its last failure on, and twice as long with every further failure within the window. Only
a pool that can do without it holds anybody out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hadirector.model.configuration import VirtualServer
from hadirector.model.ipvs import DestinationKey
from hadirector.model.policy import FlapDamping
from hadirector.pools.candidate import Candidate


def damp(
    server: VirtualServer,
    candidates: Sequence[Candidate],
    failures: Mapping[str, Sequence[float]],
    now: float,
) -> dict[DestinationKey, float]:
    """Take out those that flap, and say until when each does; ``failures`` go by check identity.

    They have weight 0: the connections that they got end in peace. They come in all the same while
    the others that pass lack the quorum, or are fewer than ``min_healthy``.
    """
    policy = server.flap_damping
    if policy is None:
        return {}
    flapping: dict[DestinationKey, float] = {}
    held_out: list[Candidate] = []
    for each in candidates:
        check = each.real_server.check
        if check is None or each.unseen or not each.serving:
            continue
        until = flaps_until(policy, failures.get(check.identity, ()))
        if now < until:
            flapping[each.real_server.key] = until
            held_out.append(each)
    if held_out:
        needed = not _suffices(server, candidates, flapping)
        for each in held_out:
            if needed:
                each.stay("flapping, but the pool needs it")
            else:
                each.leave(0, "flapping: held out")
    return flapping


def flaps_until(policy: FlapDamping, failures: Sequence[float]) -> float:
    """Say until when a target flaps that failed at these times; 0 for one that does not."""
    recent = sum(failures[-1] - each <= policy.window for each in failures)
    if recent < policy.failures:
        return 0.0
    return failures[-1] + min(policy.hold * 2.0 ** (recent - policy.failures), policy.hold_max)


def _suffices(
    server: VirtualServer,
    candidates: Sequence[Candidate],
    flapping: Mapping[DestinationKey, float],
) -> bool:
    """Decide whether those that pass and do not flap are enough for the pool."""
    rest = [
        each
        for each in candidates
        if each.serving and each.worth and not each.unseen and each.real_server.key not in flapping
    ]
    members = sum(1 for each in candidates if each.worth and not each.ordered_out)
    enough = sum(each.worth for each in rest) >= server.quorum
    return enough and len(rest) >= server.min_healthy.of(members)
