"""Builders that the tests of pools share."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from checks.definition.result import Verdict
from hadirector.health.target import TargetState
from hadirector.model.configuration import RealServer
from hadirector.model.ipvs import DestinationKey
from hadirector.overrides.model import Override, RealServerName
from hadirector.pools.decision import Judgement
from hadirector.pools.facts import Facts
from tests.builders import a_check


def real_server(number: int, weight: int = 1, backup_tier: int = 0) -> RealServer:
    """The real server 192.0.2.NUMBER, checked as "NUMBER"."""
    key = DestinationKey(f"192.0.2.{number}", 80)
    check = a_check(key, identity=str(number))
    return RealServer(key=key, weight=weight, check=check, backup_tier=backup_tier)


def facts(
    verdicts: Mapping[str, Verdict],
    *,
    failed_at: Mapping[str, float] = {},
    unseen: Collection[str] = (),
    failures: Mapping[str, Sequence[float]] = {},
    weights: Mapping[str, int] = {},
    overrides: Mapping[RealServerName, Override] = {},
    now: float = 0.0,
) -> Facts:
    """Facts about targets by the identity of their check; ``weights`` are requested weights."""
    targets = {
        identity: TargetState(
            verdict=verdict,
            failed_at=failed_at.get(identity),
            unseen=identity in unseen,
            failures=tuple(failures.get(identity, ())),
            requested_weight=weights.get(identity),
        )
        for identity, verdict in verdicts.items()
    }
    return Facts(targets, overrides, now)


def pool_weights(judgement: Judgement) -> list[int | None]:
    """The weights of the real servers, in the order of their keys."""
    return [steps[-1].weight for steps in judgement.derivations.values()]
