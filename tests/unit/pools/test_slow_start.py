"""How the weight of a real server grows after it joins its pool."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from checks.definition.result import Verdict
from hadirector.model.configuration import RealServer, VirtualServer
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
from hadirector.pools.adoption import PoolsSnapshot, adopted_serving_since
from hadirector.pools.candidate import Step
from hadirector.pools.decision import judge
from hadirector.pools.facts import Facts
from hadirector.pools.slow_start import LONG_AGO, apply_slow_start, share
from tests.builders import a_check, a_configuration, a_virtual_server
from tests.unit.pools.builders import facts, pool_weights

PASSING, FAILING = Verdict.PASSING, Verdict.FAILING
WEB = ServiceKey(Protocol.TCP, "192.0.2.10", 80)
ONE, TWO = DestinationKey("192.0.2.1", 80), DestinationKey("192.0.2.2", 80)
TWENTY = SlowStart(20.0)


def real_server(
    key: DestinationKey, weight: int = 100, slow_start: SlowStart | None = TWENTY
) -> RealServer:
    """A real server whose check is named after the last part of its address."""
    check = a_check(key, identity=key.address.rpartition(".")[2])
    return RealServer(key=key, weight=weight, check=check, slow_start=slow_start)


def pool(*real_servers: RealServer, quorum: int = 1) -> VirtualServer:
    return a_virtual_server(*real_servers, quorum=quorum)


PAIR = pool(real_server(ONE), real_server(TWO))
BOTH = {"1": PASSING, "2": PASSING}


def at(now: float, verdicts: dict[str, Verdict] = BOTH) -> Facts:
    return facts(verdicts, now=now)


@pytest.mark.parametrize(
    ("now", "weight", "next_change"),
    [
        (50.0, 10, 51.0),
        (50.9, 10, 51.0),
        (51.0, 14, 52.0),  # 10 % and a twentieth of the missing 90 %
        (60.0, 55, 61.0),
        (69.0, 95, 70.0),
        (70.0, 100, None),
        (900.0, 100, None),
    ],
)
def test_a_server_that_joins_others_grows_in_twenty_steps(
    now: float, weight: int, next_change: float | None
) -> None:
    """From a tenth of 100 within 20 s."""
    judgement = judge(PAIR, at(now), True, {ONE: LONG_AGO, TWO: 50.0})
    assert pool_weights(judgement) == [100, weight]
    assert judgement.next_change == next_change


def test_the_derivation_shows_the_slow_start() -> None:
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
    assert pool_weights(judge(PAIR, at(91.0), True, before.serving_since)) == [100, 10]


def test_a_pool_that_starts_as_a_whole_has_its_full_weights() -> None:
    """At a start, and when the quorum returns."""
    first = judge(PAIR, at(50.0), None)
    assert pool_weights(first) == [100, 100]
    assert pool_weights(judge(PAIR, at(55.0), True, first.serving_since)) == [100, 100]


def test_a_single_server_has_its_full_weight_at_once() -> None:
    """The next server is relative to the progress of the first one: 10 % of 55 %."""
    alone = judge(PAIR, at(50.0, {"1": PASSING, "2": FAILING}), False)
    assert pool_weights(alone) == [100, None]
    assert pool_weights(judge(PAIR, at(60.0), True, alone.serving_since)) == [100, 18]


def test_the_quorum_counts_the_full_weight_during_a_slow_start() -> None:
    judgement = judge(
        pool(*PAIR.real_servers, quorum=200), at(50.0), False, {ONE: LONG_AGO, TWO: 50.0}
    )
    assert judgement.quorum is True
    assert judgement.passing == 200


def test_a_weight_override_takes_effect_at_once() -> None:
    name = RealServerName("web", "192.0.2.2:80")
    override = Override(name=name, action=Action.WEIGHT, weight=40, author="ann")
    known = facts(BOTH, overrides={name: override}, now=50.0)
    assert pool_weights(judge(PAIR, known, True, {ONE: LONG_AGO, TWO: 50.0})) == [100, 40]


def test_a_quadratic_curve_grows_little_at_first() -> None:
    """Halfway it has a quarter of the missing 90 %: 10 % + 22.5 %."""
    slow = SlowStart(20.0, curve=Curve.QUADRATIC)
    assert [share(slow, steps) for steps in (0, 10, 19, 20)] == [100, 325, 912, 1000]


def test_the_weight_begins_with_the_minimum() -> None:
    """After ten steps it has half of the missing 60 %: 40 % + 30 %."""
    slow = SlowStart(20.0, minimum=40)
    assert [share(slow, steps) for steps in (0, 10, 20)] == [400, 700, 1000]


def test_a_small_weight_is_never_rounded_to_0() -> None:
    server = pool(real_server(ONE), real_server(TWO, weight=2))
    assert pool_weights(judge(server, at(50.0), True, {ONE: LONG_AGO})) == [100, 1]


def test_a_server_that_served_before_a_restart_does_not_start_slowly_again() -> None:
    """A server at weight 0 does when it joins."""
    nat = ForwardingMethod.NAT
    table = {
        WEB: ServiceEntry(Service("wrr"), {ONE: Destination(7, nat), TWO: Destination(0, nat)})
    }
    configuration = a_configuration(PAIR)
    assert adopted_serving_since(configuration, table, PoolsSnapshot()) == {"web": {ONE: LONG_AGO}}
    snapshot = PoolsSnapshot(serving_since={"web/192.0.2.1:80": 5.0, "web/192.0.2.2:80": 6.0})
    assert adopted_serving_since(configuration, table, snapshot) == {"web": {ONE: 5.0}}


def test_without_slow_start_nothing_is_remembered() -> None:
    server = pool(real_server(ONE, slow_start=None))
    assert judge(server, at(50.0), True).serving_since == {}
    assert apply_slow_start([], {}, 50.0) == ({}, None)


POLICIES = st.builds(SlowStart, st.floats(1.0, 3600.0), st.integers(1, 100), st.sampled_from(Curve))


@given(
    st.lists(st.tuples(st.integers(0, 65535), POLICIES | st.none()), min_size=1, max_size=4),
    st.lists(st.floats(0.0, 5000.0), min_size=4, max_size=4),
    st.floats(5000.0, 9000.0),
)
def test_weights_grow_within_bounds_whenever_they_are_decided(
    members: list[tuple[int, SlowStart | None]], since: list[float], now: float
) -> None:
    """At each next change. Every server reaches its weight, and at least one always has it."""
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
        weights = pool_weights(judgement)
        for member, weight in zip(servers, weights, strict=True):
            assert weight is not None
            assert min(member.weight, 1) <= weight <= member.weight
        assert any(weight == member.weight for weight, member in zip(weights, servers, strict=True))
        if judgement.next_change is None:
            break
        assert judgement.next_change > due
        due = judgement.next_change
    assert pool_weights(judgement) == [member.weight for member in servers]


def test_a_reload_that_adds_slow_start_reduces_no_weight() -> None:
    plain = pool(real_server(ONE, slow_start=None), real_server(TWO, slow_start=None))
    before = judge(plain, at(50.0), True)
    slow = replace(plain, real_servers=PAIR.real_servers)
    assert pool_weights(judge(slow, at(51.0), True, before.serving_since)) == [100, 100]
