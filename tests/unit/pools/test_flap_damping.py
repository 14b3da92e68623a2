"""How long a flapping real server is kept out of its pool, and when the pool needs it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from checks.definition.result import Verdict
from hadirector.model.ipvs import DestinationKey
from hadirector.model.policy import FAILURES_MAX, FlapDamping, HealthyMinimum
from hadirector.pools.candidate import Step
from hadirector.pools.decision import judge
from hadirector.pools.flap_damping import flaps_until
from tests.builders import a_virtual_server
from tests.unit.pools.builders import facts, pool_weights, real_server

PASSING, FAILING = Verdict.PASSING, Verdict.FAILING
POLICY = FlapDamping(failures=3, window=300.0, hold=30.0, hold_max=600.0)
FLAPS = (100.0, 110.0, 120.0)


POOL = a_virtual_server(*(real_server(n, weight=2) for n in (1, 2, 3)), flap_damping=POLICY)
ALL = {"1": PASSING, "2": PASSING, "3": PASSING}


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


def test_a_flapping_server_has_weight_0_until_it_was_stable_for_long_enough() -> None:
    judgement = judge(POOL, facts(ALL, failures={"1": FLAPS}, now=140.0), True)
    assert pool_weights(judgement) == [0, 2, 2]
    key = DestinationKey("192.0.2.1", 80)
    assert judgement.derivations[key] == (
        Step(2, "configured"),
        Step(2, "passing"),
        Step(0, "flapping: kept out of the pool"),
    )
    assert judgement.flapping == {key: 150.0}
    assert judgement.next_change == 150.0
    assert judgement.passing == 6
    after = judge(POOL, facts(ALL, failures={"1": FLAPS}, now=150.0), True)
    assert pool_weights(after) == [2, 2, 2]
    assert after.next_change is None


def test_a_failing_server_is_out_because_it_fails_and_not_because_it_flaps() -> None:
    known = facts({**ALL, "1": FAILING}, failures={"1": FLAPS}, now=130.0)
    judgement = judge(POOL, known, True)
    assert pool_weights(judgement) == [None, 2, 2]
    assert judgement.flapping == {}


def test_the_last_server_of_a_pool_serves_even_if_it_flaps() -> None:
    known = facts({"1": PASSING, "2": FAILING, "3": FAILING}, failures={"1": FLAPS}, now=130.0)
    judgement = judge(POOL, known, True)
    assert pool_weights(judgement) == [2, None, None]
    assert judgement.derivations[DestinationKey("192.0.2.1", 80)][-1] == Step(
        2, "flapping, but the pool needs the real server"
    )


def test_a_flapping_server_serves_if_the_quorum_needs_it() -> None:
    server = replace(POOL, quorum=5)
    judgement = judge(server, facts(ALL, failures={"1": FLAPS}, now=130.0), True)
    assert pool_weights(judgement) == [2, 2, 2]
    assert judgement.quorum is True


def test_a_flapping_server_serves_if_min_healthy_requires_it() -> None:
    server = replace(POOL, min_healthy=HealthyMinimum(count=3))
    assert pool_weights(judge(server, facts(ALL, failures={"1": FLAPS}, now=130.0), True)) == [
        2,
        2,
        2,
    ]


def test_a_stable_backup_serves_instead_of_a_flapping_server() -> None:
    server = replace(POOL, real_servers=(real_server(1, 2), real_server(2, 2, backup_tier=1)))
    assert pool_weights(judge(server, facts(ALL, failures={"1": FLAPS}, now=130.0), True)) == [0, 2]
    assert pool_weights(judge(server, facts(ALL, failures={"1": FLAPS}, now=150.0), True)) == [2, 0]


@given(st.lists(st.floats(0.0, 1000.0), max_size=FAILURES_MAX).map(sorted))
def test_a_hold_is_bounded_for_any_failures(failures: list[float]) -> None:
    """A further failure never shortens it."""
    until = flaps_until(POLICY, failures)
    if failures:
        assert until <= failures[-1] + POLICY.hold_max
        assert flaps_until(replace(POLICY, window=1001.0), [*failures, failures[-1]]) >= until
