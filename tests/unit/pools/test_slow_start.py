"""How a real server that comes in grows to its weight."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from checks.definition.check import CheckDefinition
from checks.definition.options import TcpProbe
from checks.definition.result import Verdict
from hadirector.model.configuration import Configuration, RealServer, VirtualServer
from hadirector.model.ipvs import (
    Destination,
    DestinationKey,
    ForwardingMethod,
    Protocol,
    Service,
    ServiceEntry,
    ServiceKey,
)
from hadirector.model.policy import Curve, SlowStart
from hadirector.overrides.model import Action, Override, RealServerName
from hadirector.pools.adoption import adopted_admissions
from hadirector.pools.candidate import Step
from hadirector.pools.decision import Judgement, judge
from hadirector.pools.facts import Facts
from hadirector.pools.slow_start import LONG_AGO, share, start_slowly

PASSING, FAILING = Verdict.PASSING, Verdict.FAILING
WEB = ServiceKey(Protocol.TCP, "192.0.2.10", 80)
ONE, TWO = DestinationKey("192.0.2.1", 80), DestinationKey("192.0.2.2", 80)
TWENTY = SlowStart(20.0)


def real_server(
    key: DestinationKey, weight: int = 100, slow_start: SlowStart | None = TWENTY
) -> RealServer:
    """One that is checked under the last part of its address."""
    check = CheckDefinition(
        identity=key.address.rpartition(".")[2],
        address=key.address,
        port=key.port,
        probe=TcpProbe(),
    )
    return RealServer(key=key, weight=weight, check=check, slow_start=slow_start)


def pool(*real_servers: RealServer, quorum: int = 1) -> VirtualServer:
    return VirtualServer(
        name="web",
        keys=(WEB,),
        service=Service("wrr"),
        forwarding=ForwardingMethod.NAT,
        quorum=quorum,
        real_servers=real_servers,
    )


PAIR = pool(real_server(ONE), real_server(TWO))
BOTH = {"1": PASSING, "2": PASSING}


def at(now: float, verdicts: dict[str, Verdict] = BOTH) -> Facts:
    return Facts(verdicts, now=now)


def weights(judgement: Judgement) -> list[int | None]:
    return [each[-1].weight for each in judgement.derivations.values()]


@pytest.mark.parametrize(
    ("now", "weight", "next_change"),
    [
        (50.0, 10, 51.0),
        (50.9, 10, 51.0),
        (51.0, 14, 52.0),  # 10 % and a twentieth of the 90 % that are missing
        (60.0, 55, 61.0),
        (69.0, 95, 70.0),
        (70.0, 100, None),
        (900.0, 100, None),
    ],
)
def test_who_comes_in_beside_others_grows_in_twenty_steps(
    now: float, weight: int, next_change: float | None
) -> None:
    """From a tenth of 100 within 20 s."""
    judgement = judge(PAIR, at(now), True, {ONE: LONG_AGO, TWO: 50.0})
    assert weights(judgement) == [100, weight]
    assert judgement.next_change == next_change


def test_the_derivation_says_so() -> None:
    judgement = judge(PAIR, at(50.0), True, {ONE: LONG_AGO})
    assert judgement.derivations[TWO] == (
        Step(100, "configured"),
        Step(100, "passing"),
        Step(10, "slow start"),
    )
    assert judgement.serving_since == {ONE: LONG_AGO, TWO: 50.0}


def test_a_server_that_failed_starts_slowly_again() -> None:
    before = judge(PAIR, at(90.0, {"1": PASSING, "2": FAILING}), True, {ONE: LONG_AGO, TWO: 1.0})
    assert before.serving_since == {ONE: LONG_AGO}
    assert before.next_change is None
    assert weights(judge(PAIR, at(91.0), True, before.serving_since)) == [100, 10]


def test_a_pool_that_comes_in_as_a_whole_has_its_whole_weight() -> None:
    """As at a start, and when the quorum is back."""
    first = judge(PAIR, at(50.0), None)
    assert weights(first) == [100, 100]
    assert weights(judge(PAIR, at(55.0), True, first.serving_since)) == [100, 100]


def test_who_is_left_alone_has_its_whole_weight_at_once() -> None:
    """And the one that comes next is measured by how far the first one is: 10 % beside 55 %."""
    alone = judge(PAIR, at(50.0, {"1": PASSING, "2": FAILING}), False)
    assert weights(alone) == [100, None]
    assert weights(judge(PAIR, at(60.0), True, alone.serving_since)) == [100, 18]


def test_the_quorum_counts_who_starts_slowly_in_full() -> None:
    judgement = judge(
        pool(*PAIR.real_servers, quorum=200), at(50.0), False, {ONE: LONG_AGO, TWO: 50.0}
    )
    assert judgement.quorum is True
    assert judgement.passing == 200


def test_a_weight_that_an_operator_orders_is_given_at_once() -> None:
    name = RealServerName("web", "192.0.2.2:80")
    order = Override(name=name, action=Action.WEIGHT, weight=40, author="ann")
    facts = Facts(BOTH, overrides={name: order}, now=50.0)
    assert weights(judge(PAIR, facts, True, {ONE: LONG_AGO, TWO: 50.0})) == [100, 40]


def test_a_quadratic_curve_grows_little_at_first() -> None:
    """Half way through it has a quarter of what is missing: 10 % + 22.5 %."""
    slow = SlowStart(20.0, curve=Curve.QUADRATIC)
    assert [share(slow, steps) for steps in (0, 10, 19, 20)] == [100, 325, 912, 1000]


def test_the_minimum_is_what_it_begins_with() -> None:
    """Ten steps on, half of what is missing has come: 40 % + 30 %."""
    slow = SlowStart(20.0, minimum=40)
    assert [share(slow, steps) for steps in (0, 10, 20)] == [400, 700, 1000]


def test_a_small_weight_is_never_rounded_to_nothing() -> None:
    server = pool(real_server(ONE), real_server(TWO, weight=2))
    assert weights(judge(server, at(50.0), True, {ONE: LONG_AGO})) == [100, 1]


def test_what_a_previous_run_left_serving_does_not_start_again() -> None:
    """One at weight 0 does, when it comes in."""
    nat = ForwardingMethod.NAT
    table = {
        WEB: ServiceEntry(Service("wrr"), {ONE: Destination(7, nat), TWO: Destination(0, nat)})
    }
    configuration = Configuration(name="lb1", virtual_servers=(PAIR,))
    assert adopted_admissions(configuration, table, {}) == {"web": {ONE: LONG_AGO}}
    known = {"web/192.0.2.1:80": 5.0, "web/192.0.2.2:80": 6.0}
    assert adopted_admissions(configuration, table, known) == {"web": {ONE: 5.0}}


def test_without_slow_start_nothing_is_remembered() -> None:
    server = pool(real_server(ONE, slow_start=None))
    assert judge(server, at(50.0), True).serving_since == {}
    assert start_slowly([], {}, 50.0) == ({}, None)


POLICIES = st.builds(SlowStart, st.floats(1.0, 3600.0), st.integers(1, 100), st.sampled_from(Curve))


@given(
    st.lists(st.tuples(st.integers(0, 65535), POLICIES | st.none()), min_size=1, max_size=4),
    st.lists(st.floats(0.0, 5000.0), min_size=4, max_size=4),
    st.floats(5000.0, 9000.0),
)
def test_whenever_it_is_judged_weights_grow_and_stay_within_bounds(
    members: list[tuple[int, SlowStart | None]], since: list[float], now: float
) -> None:
    """Woken at each next change, every server comes to its weight, and one has it all the time."""
    keys = [DestinationKey(f"192.0.2.{n}", 80) for n in range(1, 5)]
    servers = [
        real_server(key, weight, policy)
        for key, (weight, policy) in zip(keys, members, strict=False)
    ]
    server = pool(*servers)
    verdicts = {str(n): PASSING for n in range(1, 5)}
    serving_since = dict(zip(keys, since, strict=True))
    due: float | None = now
    for _ in range(4 * 20 + 1):
        assert due is not None
        judgement = judge(server, at(due, verdicts), True, serving_since)
        for each, weight in zip(servers, weights(judgement), strict=True):
            assert weight is not None
            assert min(each.weight, 1) <= weight <= each.weight
        whole = [w == each.weight for w, each in zip(weights(judgement), servers, strict=True)]
        assert any(whole)
        if judgement.next_change is None:
            break
        assert judgement.next_change > due
        due = judgement.next_change
    assert weights(judgement) == [each.weight for each in servers]


def test_a_reload_that_brings_slow_start_sends_nobody_back() -> None:
    plain = pool(real_server(ONE, slow_start=None), real_server(TWO, slow_start=None))
    before = judge(plain, at(50.0), True)
    slow = replace(plain, real_servers=PAIR.real_servers)
    assert weights(judge(slow, at(51.0), True, before.serving_since)) == [100, 100]
