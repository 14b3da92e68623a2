"""How long a real server that flaps is held out, and when it is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from checks.definition.check import CheckDefinition
from checks.definition.options import TcpProbe
from checks.definition.result import Verdict
from hadirector.model.configuration import RealServer, VirtualServer
from hadirector.model.ipvs import DestinationKey, ForwardingMethod, Protocol, Service, ServiceKey
from hadirector.model.policy import FAILURES_MAX, FlapDamping, HealthyMinimum
from hadirector.pools.candidate import Step
from hadirector.pools.decision import Judgement, judge
from hadirector.pools.facts import Facts
from hadirector.pools.flap_damping import flaps_until

PASSING, FAILING = Verdict.PASSING, Verdict.FAILING
POLICY = FlapDamping(failures=3, window=300.0, hold=30.0, hold_max=600.0)
FLAPS = (100.0, 110.0, 120.0)


def real_server(number: int, backup_tier: int = 0) -> RealServer:
    """The real server 192.0.2.NUMBER of weight 2, checked as "NUMBER"."""
    key = DestinationKey(f"192.0.2.{number}", 80)
    check = CheckDefinition(
        identity=str(number), address=key.address, port=key.port, probe=TcpProbe()
    )
    return RealServer(key=key, weight=2, check=check, backup_tier=backup_tier)


POOL = VirtualServer(
    name="web",
    keys=(ServiceKey(Protocol.TCP, "192.0.2.10", 80),),
    service=Service("wrr"),
    forwarding=ForwardingMethod.NAT,
    flap_damping=POLICY,
    real_servers=tuple(real_server(n) for n in (1, 2, 3)),
)
ALL = {"1": PASSING, "2": PASSING, "3": PASSING}


def weights(judgement: Judgement) -> list[int | None]:
    return [each[-1].weight for each in judgement.derivations.values()]


@pytest.mark.parametrize(
    ("failures", "until"),
    [
        ((), 0.0),
        ((100.0, 110.0), 0.0),
        ((100.0, 110.0, 120.0), 150.0),
        ((100.0, 110.0, 120.0, 130.0), 190.0),
        ((100.0, 110.0, 120.0, 130.0, 140.0), 260.0),
        (tuple(100.0 + n for n in range(8)), 707.0),  # 30 s doubled five times is more than 600 s
        ((100.0, 110.0, 401.0), 0.0),  # the first one is out of the window
        ((100.0, 110.0, 400.0), 430.0),
    ],
)
def test_the_hold_doubles_with_every_failure_within_the_window(
    failures: tuple[float, ...], until: float
) -> None:
    """From the third on, up to its maximum."""
    assert flaps_until(POLICY, failures) == until


def test_who_flaps_has_weight_0_until_it_has_stood_still_for_long_enough() -> None:
    judgement = judge(POOL, Facts(ALL, failures={"1": FLAPS}, now=140.0), True)
    assert weights(judgement) == [0, 2, 2]
    key = DestinationKey("192.0.2.1", 80)
    assert judgement.derivations[key] == (
        Step(2, "configured"),
        Step(2, "passing"),
        Step(0, "flapping: held out"),
    )
    assert judgement.flapping == {key: 150.0}
    assert judgement.next_change == 150.0
    assert judgement.passing == 6
    after = judge(POOL, Facts(ALL, failures={"1": FLAPS}, now=150.0), True)
    assert weights(after) == [2, 2, 2]
    assert after.next_change is None


def test_who_fails_is_out_for_that_and_no_longer_for_flapping() -> None:
    facts = Facts({**ALL, "1": FAILING}, failures={"1": FLAPS}, now=130.0)
    judgement = judge(POOL, facts, True)
    assert weights(judgement) == [None, 2, 2]
    assert judgement.flapping == {}


def test_the_last_of_a_pool_serves_whether_it_flaps_or_not() -> None:
    facts = Facts({"1": PASSING, "2": FAILING, "3": FAILING}, failures={"1": FLAPS}, now=130.0)
    judgement = judge(POOL, facts, True)
    assert weights(judgement) == [2, None, None]
    assert judgement.derivations[DestinationKey("192.0.2.1", 80)][-1] == Step(
        2, "flapping, but the pool needs it"
    )


def test_nobody_is_held_out_at_the_price_of_the_quorum() -> None:
    server = replace(POOL, quorum=5)
    judgement = judge(server, Facts(ALL, failures={"1": FLAPS}, now=130.0), True)
    assert weights(judgement) == [2, 2, 2]
    assert judgement.quorum is True


def test_nobody_is_held_out_that_min_healthy_asks_for() -> None:
    server = replace(POOL, min_healthy=HealthyMinimum(count=3))
    assert weights(judge(server, Facts(ALL, failures={"1": FLAPS}, now=130.0), True)) == [2, 2, 2]


def test_a_backup_that_stands_still_is_better_than_one_that_flaps() -> None:
    server = replace(POOL, real_servers=(real_server(1), real_server(2, backup_tier=1)))
    assert weights(judge(server, Facts(ALL, failures={"1": FLAPS}, now=130.0), True)) == [0, 2]
    assert weights(judge(server, Facts(ALL, failures={"1": FLAPS}, now=150.0), True)) == [2, 0]


@given(st.lists(st.floats(0.0, 1000.0), max_size=FAILURES_MAX).map(sorted))
def test_whatever_happened_a_hold_is_bounded(failures: list[float]) -> None:
    """And the next failure never shortens it."""
    until = flaps_until(POLICY, failures)
    if failures:
        assert until <= failures[-1] + POLICY.hold_max
        assert flaps_until(replace(POLICY, window=1001.0), [*failures, failures[-1]]) >= until
