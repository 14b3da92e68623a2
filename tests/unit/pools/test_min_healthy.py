"""Which failing servers are held in a pool."""

from __future__ import annotations

from collections.abc import Collection

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from checks.definition.result import Verdict
from hadirector.model.configuration import RealServer, VirtualServer
from hadirector.model.ipvs import DestinationKey
from hadirector.model.policy import HealthyMinimum
from hadirector.overrides.model import Action, Override, RealServerName
from hadirector.pools.decision import Judgement, judge
from hadirector.pools.facts import Facts
from tests.builders import a_virtual_server
from tests.unit.pools.builders import facts, real_server

PASSING, FAILING = Verdict.PASSING, Verdict.FAILING


def pool(minimum: HealthyMinimum, servers: int = 4) -> VirtualServer:
    """A pool with an unchecked sorry server."""
    return a_virtual_server(
        *(real_server(n) for n in range(1, servers + 1)),
        min_healthy=minimum,
        sorry_server=RealServer(key=DestinationKey("192.0.2.99", 80)),
    )


HALF = HealthyMinimum(percent=50)


def failed(unseen: Collection[str] = (), **at: float) -> Facts:
    """Four servers, of which these failed at these times, by "_NUMBER"; the others pass."""
    failed_at = {name.removeprefix("_"): time for name, time in at.items()}
    verdicts = {str(n): FAILING if str(n) in failed_at else PASSING for n in range(1, 5)}
    return facts(verdicts, failed_at=failed_at, unseen=unseen)


def serving(judgement: Judgement) -> list[str]:
    """The last number of each address that takes connections."""
    return [
        key.address.rpartition(".")[2]
        for key, steps in judgement.derivations.items()
        if steps[-1].weight
    ]


def test_the_servers_that_failed_last_are_held() -> None:
    """Half of four are two."""
    assert serving(judge(pool(HALF), failed(_1=1.0), True)) == ["2", "3", "4"]
    assert serving(judge(pool(HALF), failed(_1=1.0, _3=2.0), True)) == ["2", "4"]
    assert serving(judge(pool(HALF), failed(_1=1.0, _3=2.0, _2=3.0), True)) == ["2", "4"]
    all_of_them = judge(pool(HALF), failed(_1=1.0, _3=2.0, _2=3.0, _4=4.0), True)
    assert serving(all_of_them) == ["2", "4"]
    assert [key.address for key in all_of_them.held] == ["192.0.2.4", "192.0.2.2"]
    steps = all_of_them.derivations[DestinationKey("192.0.2.2", 80)]
    assert steps[-1].reason == "held by min_healthy: 0 of 4 pass, 2 are required"


def test_the_sorry_server_does_not_serve_while_servers_are_held_but_the_quorum_is_lost() -> None:
    """A tracked pool counts the passing servers, because the pool of the peer may be better."""
    judgement = judge(pool(HALF), failed(_1=1.0, _2=2.0, _3=3.0, _4=4.0), True)
    assert judgement.sorry is not None
    assert judgement.sorry[-1].weight is None
    assert judgement.quorum is False


def test_a_server_that_never_passed_is_not_held() -> None:
    """It was not in the pool, so the pool stays below its minimum."""
    known = facts(dict.fromkeys("1234", FAILING), failed_at={"1": 1.0})
    assert serving(judge(pool(HALF), known, True)) == ["1"]


def test_a_server_that_an_operator_took_out_is_neither_held_nor_counted() -> None:
    """Half of the two others is one."""
    overrides = {
        (name := RealServerName("web", f"192.0.2.{number}:80")): Override(
            name=name, action=Action.DISABLE, author="ann"
        )
        for number in (3, 4)
    }
    known = replace(failed(_1=1.0, _2=2.0, _4=4.0), overrides=overrides)
    assert serving(judge(pool(HALF), known, True)) == ["2"]


def test_unseen_servers_are_held_and_count_towards_the_quorum() -> None:
    """A server that had failed before the director became blind stays out."""
    blind = failed(_1=1.0, _2=9.0, _3=9.0, _4=9.0, unseen="234")
    judgement = judge(pool(HealthyMinimum()), blind, False)
    assert serving(judgement) == ["2", "3", "4"]
    assert judgement.quorum is True
    assert judgement.sorry is not None
    assert judgement.sorry[-1].weight is None


def test_a_quorum_that_blindness_took_returns_without_hysteresis() -> None:
    """The first verdicts came before the director was known to be blind."""
    blind = failed(_1=9.0, _2=9.0, _3=9.0, _4=9.0, unseen="1234")
    server = replace(pool(HealthyMinimum()), quorum=4, hysteresis=1)
    assert judge(server, blind, False).quorum is True


def test_a_passing_backup_serves_beside_a_held_server() -> None:
    backup = pool(HealthyMinimum(count=4))
    servers = backup.real_servers
    backup = replace(backup, real_servers=(*servers[:3], replace(servers[3], backup_tier=1)))
    assert serving(judge(backup, failed(_1=1.0), True)) == ["1", "2", "3"]
    assert serving(judge(backup, failed(_1=1.0, _2=1.0, _3=1.0), True)) == ["1", "2", "3", "4"]


def test_a_minimum_is_rounded_up_and_never_exceeds_the_number_of_servers() -> None:
    assert [HealthyMinimum(percent=34).of(total) for total in (0, 1, 2, 3)] == [0, 1, 1, 2]
    assert [HealthyMinimum(count=2).of(total) for total in (0, 1, 2, 3)] == [0, 1, 2, 2]


EVENTS = st.lists(st.tuples(st.integers(1, 4), st.booleans()), max_size=30)


@given(
    EVENTS,
    st.one_of(
        st.builds(HealthyMinimum, percent=st.integers(1, 100)),
        st.builds(HealthyMinimum, count=st.integers(1, 4)),
    ),
)
def test_a_pool_never_falls_below_its_minimum(
    events: list[tuple[int, bool]], minimum: HealthyMinimum
) -> None:
    """For any sequence of verdicts. No more failing servers are held than required."""
    failed_at: dict[str, float] = {}
    for now, (number, passes) in enumerate(events):
        if passes:
            failed_at.pop(str(number), None)
        else:
            failed_at.setdefault(str(number), float(now))
        verdicts = {str(n): FAILING if str(n) in failed_at else PASSING for n in range(1, 5)}
        judgement = judge(pool(minimum), facts(verdicts, failed_at=failed_at), True)
        in_use = serving(judgement)
        passing = 4 - len(failed_at)
        assert len(in_use) == max(passing, minimum.of(4))
        assert len(judgement.held) == max(minimum.of(4) - passing, 0)
