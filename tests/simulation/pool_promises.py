"""What holds of every decision about a pool, whatever led to it; worked out from the facts anew."""

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
    """Raise AssertionError when one does not hold."""
    for each in server.real_servers:
        steps = judgement.derivations[each.key]
        assert steps[-1].weight == weights.get(each.key), "the last step is the weight"
        _judge_real_server(server, each, facts, judgement, weights)
    sorry = server.sorry_server
    sorry_serves = sorry is not None and weights.get(sorry.key, 0) > 0
    serving = [each.key for each in server.real_servers if weights.get(each.key)]
    if sorry_serves:
        assert judgement.quorum is False
        assert not serving, "pool and sorry server never serve both"
        assert not judgement.held
    able = [each for each in server.real_servers if _is_able(server, each, facts)]
    assert serving or sorry_serves or not able, "a pool with somebody who can serve is not empty"


def _judge_real_server(
    server: VirtualServer,
    each: RealServer,
    facts: Facts,
    judgement: Judgement,
    weights: Mapping[DestinationKey, int],
) -> None:
    weight, order = weights.get(each.key, 0), _order(server, each, facts)
    if order is not None and order.action is not Action.WEIGHT:
        assert weight == 0, "who is ordered out serves nobody"
    if order is not None and order.action is Action.WEIGHT:
        assert weight <= order.weight
    elif each.check is not None:
        percent = max(facts.weights.get(each.check.identity, 100), 100)
        assert weight <= min(max(each.weight * percent // 100, 0), WEIGHT_MAX)
    if weight and each.check is not None and each.key not in judgement.held:
        verdict = facts.verdicts.get(each.check.identity, Verdict.UNKNOWN)
        early = server.initially_up and verdict is Verdict.UNKNOWN
        assert verdict is Verdict.PASSING or early, "who fails serves nobody"


def _is_able(server: VirtualServer, each: RealServer, facts: Facts) -> bool:
    """Whether it passes, and neither configuration, operator nor itself say weight 0."""
    order = _order(server, each, facts)
    if order is not None:
        if order.action is not Action.WEIGHT or order.weight == 0:
            return False
    elif each.weight == 0:
        return False
    if each.check is None:
        return True
    passes = facts.verdicts.get(each.check.identity) is Verdict.PASSING
    return passes and (order is not None or facts.weights.get(each.check.identity) != 0)


def _order(server: VirtualServer, each: RealServer, facts: Facts) -> Override | None:
    return facts.overrides.get(RealServerName(server.name, each.name))
