"""The conditions of alerts that last, found from the states in memory."""

from __future__ import annotations

from checks.definition.result import Reason, Result, Verdict
from hadirector.director.alerts.conditions import Situation, find_conditions
from hadirector.events.alerts.alert import Key
from hadirector.health.target import TargetState
from hadirector.model.configuration import RealServer
from hadirector.model.ipvs import DestinationKey
from hadirector.pools.decision import Judgement
from hadirector.status.verdict import Level, Problem
from tests.builders import a_check, a_configuration, a_virtual_server

ADDRESS = DestinationKey("10.0.0.1", 80)
CHECK = a_check(ADDRESS)
SERVER = RealServer(key=ADDRESS, check=CHECK)
CONFIGURATION = a_configuration(a_virtual_server(SERVER))
REFUSED = Result(Reason.REFUSED, "connection refused", 0.1)
FAILED = Key("real_server_failed", "web/10.0.0.1:80")
QUIET = Situation(CONFIGURATION, {}, {}, (), False, (), (), (), ())


def state(verdict: Verdict, *, unseen: bool = False) -> dict[str, TargetState]:
    return {CHECK.identity: TargetState(verdict, REFUSED, unseen=unseen)}


async def test_a_failing_real_server_and_a_pool_without_quorum() -> None:
    found = await find_conditions(
        QUIET._replace(
            targets=state(Verdict.FAILING), judgements={"web": Judgement({}, None, False, 0)}
        )
    )
    assert found == {
        FAILED: "refused: connection refused",
        Key("pool_down", "web"): "quorum lost: 0 passing, 1 needed",
    }


async def test_an_unknown_or_unseen_real_server_keeps_its_state() -> None:
    for targets in (state(Verdict.UNKNOWN), state(Verdict.FAILING, unseen=True)):
        assert await find_conditions(QUIET._replace(targets=targets)) == {}
        known = QUIET._replace(targets=targets, known=[FAILED])
        assert FAILED in await find_conditions(known)
    passing = QUIET._replace(targets=state(Verdict.PASSING), known=[FAILED])
    assert await find_conditions(passing) == {}


async def test_a_failing_real_server_that_its_source_no_longer_names_is_no_condition() -> None:
    absent = RealServer(key=ADDRESS, check=CHECK, source="members", absent=True)
    situation = QUIET._replace(
        configuration=a_configuration(a_virtual_server(absent)),
        targets=state(Verdict.FAILING),
        known=[FAILED],
    )
    assert await find_conditions(situation) == {}


async def test_the_director_and_its_pair() -> None:
    lost = Problem(
        level=Level.DEGRADED,
        code="pair_peer_lost",
        object="director lb2",
        reason="it does not answer",
        remedy="",
    )
    other = Problem(
        level=Level.DEGRADED, code="pair_differs", object="director lb2", reason="x", remedy=""
    )
    found = await find_conditions(
        QUIET._replace(
            blind=True, unfit=["no table"], unready=["blind"], pair_problems=[lost, other]
        )
    )
    assert found == {
        Key("blind", "director"): "the director receives no answer from any target",
        Key("director_unfit", "director"): "no table",
        Key("pair_unready", "director"): "blind",
        Key("pair_unready", "lb2"): "it does not answer",
    }
