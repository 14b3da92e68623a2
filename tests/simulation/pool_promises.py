"""The promises of every decision about a pool, derived a second time from the facts."""

from __future__ import annotations

from collections.abc import Mapping

from checks.definition.result import Verdict
from hadirector.model.configuration import RealServer, VirtualServer
from hadirector.model.ipvs import DestinationKey
from hadirector.overrides.model import Action, Override, RealServerName
from hadirector.pools.decision import Judgement
from hadirector.pools.facts import Facts

WEIGHT_MAX = 65535


def judge_promises(
    server: VirtualServer,
    facts: Facts,
    judgement: Judgement,
    weights: Mapping[DestinationKey, int],
) -> None:
    """Raise AssertionError if a promise is broken."""
    for real_server in server.real_servers:
        steps = judgement.derivations[real_server.key]
        assert steps[-1].weight == weights.get(real_server.key), "the last step is the weight"
        _judge_real_server(server, real_server, facts, judgement, weights)
    sorry = server.sorry_server
    sorry_serves = sorry is not None and weights.get(sorry.key, 0) > 0
    serving = [member.key for member in server.real_servers if weights.get(member.key)]
    if sorry_serves:
        assert judgement.quorum is False
        assert not serving, "the pool and the sorry server never serve at the same time"
        assert not judgement.held
    able = [member for member in server.real_servers if _is_able(server, member, facts)]
    assert serving or sorry_serves or not able, "a pool with a server that can serve is not empty"


def _judge_real_server(
    server: VirtualServer,
    real_server: RealServer,
    facts: Facts,
    judgement: Judgement,
    weights: Mapping[DestinationKey, int],
) -> None:
    weight, override = weights.get(real_server.key, 0), _override(server, real_server, facts)
    if override is not None and override.action is not Action.WEIGHT:
        assert weight == 0, "a drained or disabled server does not serve"
    if override is not None and override.action is Action.WEIGHT:
        assert weight <= override.weight
    elif real_server.check is not None:
        requested = facts.target(real_server.check).requested_weight
        percent = max(100 if requested is None else requested, 100)
        assert weight <= min(max(real_server.weight * percent // 100, 0), WEIGHT_MAX)
    if weight and real_server.check is not None and real_server.key not in judgement.held:
        verdict = facts.target(real_server.check).verdict
        early = server.initially_up and verdict is Verdict.UNKNOWN
        assert verdict is Verdict.PASSING or early, "a failing server does not serve"


def _is_able(server: VirtualServer, real_server: RealServer, facts: Facts) -> bool:
    """Return whether it passes, and nothing sets its weight to 0."""
    override = _override(server, real_server, facts)
    if override is not None:
        if override.action is not Action.WEIGHT or override.weight == 0:
            return False
    elif real_server.weight == 0:
        return False
    if real_server.check is None:
        return True
    target = facts.target(real_server.check)
    passes = target.verdict is Verdict.PASSING
    return passes and (override is not None or target.requested_weight != 0)


def _override(server: VirtualServer, real_server: RealServer, facts: Facts) -> Override | None:
    return facts.overrides.get(RealServerName(server.name, real_server.name))
