"""Which failing servers stay in a pool all the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from checks.definition.check import CheckDefinition
from checks.definition.options import TcpProbe
from checks.definition.result import Verdict
from hadirector.model.configuration import RealServer, VirtualServer
from hadirector.model.ipvs import DestinationKey, ForwardingMethod, Protocol, Service, ServiceKey
from hadirector.model.policy import HealthyMinimum
from hadirector.overrides.model import Action, Override, RealServerName
from hadirector.pools.decision import Judgement, judge
from hadirector.pools.facts import Facts

PASSING, FAILING = Verdict.PASSING, Verdict.FAILING


def real_server(number: int, weight: int = 1) -> RealServer:
    """The real server 192.0.2.NUMBER, checked as "NUMBER"."""
    key = DestinationKey(f"192.0.2.{number}", 80)
    check = CheckDefinition(
        identity=str(number), address=key.address, port=key.port, probe=TcpProbe()
    )
    return RealServer(key=key, weight=weight, check=check)


def pool(minimum: HealthyMinimum, servers: int = 4) -> VirtualServer:
    """A pool of some, with an unchecked sorry server."""
    return VirtualServer(
        name="web",
        keys=(ServiceKey(Protocol.TCP, "192.0.2.10", 80),),
        service=Service("wrr"),
        forwarding=ForwardingMethod.NAT,
        min_healthy=minimum,
        sorry_server=RealServer(key=DestinationKey("192.0.2.99", 80)),
        real_servers=tuple(real_server(n) for n in range(1, servers + 1)),
    )


HALF = HealthyMinimum(percent=50)


def fallen(**at: float) -> Facts:
    """These four servers failed then, by "_NUMBER"; the others of four pass."""
    failed_at = {name.removeprefix("_"): time for name, time in at.items()}
    return Facts(
        {str(n): FAILING if str(n) in failed_at else PASSING for n in range(1, 5)},
        failed_at=failed_at,
    )


def serving(judgement: Judgement) -> list[str]:
    """The last number of each address that takes connections."""
    return [
        key.address.rpartition(".")[2]
        for key, steps in judgement.derivations.items()
        if steps[-1].weight
    ]


def test_the_first_to_fail_leave_and_the_last_are_kept() -> None:
    """Half of four are two."""
    assert serving(judge(pool(HALF), fallen(_1=1.0), True)) == ["2", "3", "4"]
    assert serving(judge(pool(HALF), fallen(_1=1.0, _3=2.0), True)) == ["2", "4"]
    assert serving(judge(pool(HALF), fallen(_1=1.0, _3=2.0, _2=3.0), True)) == ["2", "4"]
    all_of_them = judge(pool(HALF), fallen(_1=1.0, _3=2.0, _2=3.0, _4=4.0), True)
    assert serving(all_of_them) == ["2", "4"]
    assert [each.address for each in all_of_them.held] == ["192.0.2.4", "192.0.2.2"]
    steps = all_of_them.derivations[DestinationKey("192.0.2.2", 80)]
    assert steps[-1].words == "kept by min_healthy: 0 of 4 pass, 2 are needed"


def test_the_sorry_server_does_not_serve_while_anyone_is_kept_but_the_quorum_is_lost() -> None:
    """A tracked pool says what passes: the peer's may be better."""
    judgement = judge(pool(HALF), fallen(_1=1.0, _2=2.0, _3=3.0, _4=4.0), True)
    assert judgement.sorry is not None
    assert judgement.sorry[-1].weight is None
    assert judgement.quorum is False


def test_who_has_never_passed_is_not_kept() -> None:
    """It was not in: the pool stays short of its minimum."""
    facts = replace(fallen(_1=1.0, _2=2.0, _3=3.0, _4=4.0), failed_at={"1": 1.0})
    assert serving(judge(pool(HALF), facts, True)) == ["1"]


def test_whom_an_operator_took_out_is_not_kept_and_not_counted() -> None:
    """Half of the two others is one."""
    orders = {
        (name := RealServerName("web", f"192.0.2.{number}:80")): Override(
            name=name, action=Action.DISABLE, author="ann"
        )
        for number in (3, 4)
    }
    facts = replace(fallen(_1=1.0, _2=2.0, _4=4.0), overrides=orders)
    assert serving(judge(pool(HALF), facts, True)) == ["2"]


def test_what_was_lost_from_sight_is_kept_and_keeps_the_quorum() -> None:
    """One that had failed before stays out."""
    blind = replace(fallen(_1=1.0, _2=9.0, _3=9.0, _4=9.0), unseen=frozenset({"2", "3", "4"}))
    judgement = judge(pool(HealthyMinimum()), blind, False)
    assert serving(judgement) == ["2", "3", "4"]
    assert judgement.quorum is True
    assert judgement.sorry is not None
    assert judgement.sorry[-1].weight is None


def test_a_quorum_that_was_lost_with_sight_is_back_without_its_hysteresis() -> None:
    """The first to fall out of sight were judged before anybody knew why."""
    blind = replace(fallen(_1=9.0, _2=9.0, _3=9.0, _4=9.0), unseen=frozenset({"1", "2", "3", "4"}))
    server = replace(pool(HealthyMinimum()), quorum=4, hysteresis=1)
    assert judge(server, blind, False).quorum is True


def test_a_backup_that_passes_serves_beside_a_failing_server_that_is_kept() -> None:
    backup = pool(HealthyMinimum(count=4))
    servers = backup.real_servers
    backup = replace(backup, real_servers=(*servers[:3], replace(servers[3], backup_tier=1)))
    assert serving(judge(backup, fallen(_1=1.0), True)) == ["1", "2", "3"]
    assert serving(judge(backup, fallen(_1=1.0, _2=1.0, _3=1.0), True)) == ["1", "2", "3", "4"]


def test_a_minimum_is_rounded_up_and_never_more_than_there_are() -> None:
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
def test_a_pool_that_was_whole_never_falls_below_its_minimum(
    events: list[tuple[int, bool]], minimum: HealthyMinimum
) -> None:
    """Whatever fails and passes in whatever order; and no more failing ones serve than needed."""
    failed_at: dict[str, float] = {}
    for now, (number, passes) in enumerate(events):
        if passes:
            failed_at.pop(str(number), None)
        else:
            failed_at.setdefault(str(number), float(now))
        verdicts = {str(n): FAILING if str(n) in failed_at else PASSING for n in range(1, 5)}
        judgement = judge(pool(minimum), Facts(verdicts, failed_at=failed_at), True)
        in_use = serving(judgement)
        passing = 4 - len(failed_at)
        assert len(in_use) == max(passing, minimum.of(4))
        assert len(judgement.held) == max(minimum.of(4) - passing, 0)
