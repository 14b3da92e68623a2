"""A real server that its source no longer names gets no new connections."""

from __future__ import annotations

from msgspec.structs import replace

from checks.definition.result import Verdict
from hadirector.model.ipvs import Scheduler, Service
from hadirector.model.policy import HealthyMinimum
from hadirector.overrides.model import Action, Override, RealServerName
from hadirector.pools.decision import judge
from hadirector.pools.entries import wanted_entries
from tests.builders import a_virtual_server
from tests.unit.pools.builders import facts, pool_weights, real_server

ABSENT = replace(real_server(1, weight=5), source="members", absent=True)
PASSING = {"1": Verdict.PASSING, "2": Verdict.PASSING}
FAILING = {"1": Verdict.PASSING, "2": Verdict.FAILING}


def test_it_has_weight_0_although_it_passes() -> None:
    judgement = judge(a_virtual_server(ABSENT, real_server(2)), facts(PASSING), None)
    assert pool_weights(judgement) == [0, 1]
    reasons = [step.reason for step in judgement.derivations[ABSENT.key]]
    assert reasons == ["configured", "absent from members"]


def test_the_brake_neither_holds_nor_counts_it() -> None:
    pool = replace(
        a_virtual_server(ABSENT, real_server(2)), min_healthy=HealthyMinimum(percent=100)
    )
    judgement = judge(pool, facts(FAILING, failed_at={"2": 1.0}), None)
    assert pool_weights(judgement) == [0, 1]
    assert judgement.held == (real_server(2).key,)


def test_an_override_is_stronger_than_the_source() -> None:
    server = a_virtual_server(ABSENT, real_server(2))
    name = RealServerName(server.name, ABSENT.name)
    override = Override(
        name=name, action=Action.WEIGHT, weight=7, author="ann", reason="", set_at=0.0
    )
    assert pool_weights(judge(server, facts(PASSING, overrides={name: override}), None)) == [7, 1]


def test_it_keeps_its_share_of_a_hash_table() -> None:
    server = replace(a_virtual_server(ABSENT, real_server(2)), service=Service(Scheduler.MH))
    [entry] = wanted_entries(server, judge(server, facts(PASSING), None)).values()
    assert list(entry.shares.values()) == [5, 1]
