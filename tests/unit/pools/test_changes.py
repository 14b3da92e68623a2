"""The events that a new decision about a pool causes."""

from __future__ import annotations

from msgspec.structs import replace

from checks.definition.result import Reason, Result, Verdict
from hadirector.health.target import TargetState
from hadirector.model.policy import FlapDamping, HealthyMinimum, SlowStart
from hadirector.pools.changes import Change, pool_changes, weight_changes
from hadirector.pools.decision import judge
from hadirector.pools.facts import Facts
from tests.builders import a_virtual_server
from tests.unit.pools.builders import facts, real_server

PASSING, FAILING = Verdict.PASSING, Verdict.FAILING
POOL = a_virtual_server(real_server(1), real_server(2), quorum=2)
BOTH = facts({"1": PASSING, "2": PASSING})
ONE_FAILS = facts({"1": FAILING, "2": PASSING}, failed_at={"1": 5.0})


def test_a_lost_and_a_regained_quorum_are_events() -> None:
    whole = judge(POOL, BOTH, None)
    fields = {"virtual_server": "web", "passing": 2, "quorum": 2}
    assert list(pool_changes(POOL, None, whole, None)) == [Change("info", "quorum_reached", fields)]
    assert list(pool_changes(POOL, whole, whole, True)) == []
    lost = judge(POOL, ONE_FAILS, True)
    fields = {"virtual_server": "web", "passing": 1, "quorum": 2}
    assert list(pool_changes(POOL, whole, lost, True)) == [Change("warning", "quorum_lost", fields)]


def test_held_servers_are_an_event_and_so_is_their_release() -> None:
    server = replace(POOL, quorum=1, min_healthy=HealthyMinimum(count=2))
    before, held = judge(server, BOTH, True), judge(server, ONE_FAILS, True)
    assert list(pool_changes(server, before, held, True)) == [
        Change(
            "warning",
            "failing_servers_held",
            {
                "virtual_server": "web",
                "would_be_removed": ["192.0.2.1:80"],
                "count": 1,
                "unseen": 0,
            },
        )
    ]
    [released] = pool_changes(server, held, before, True)
    assert released.event == "failing_servers_released"
    assert released.fields["count"] == 0


def test_a_server_that_begins_to_flap_is_an_event() -> None:
    server = replace(POOL, quorum=1, flap_damping=FlapDamping(2, 300.0, 30.0, 600.0))
    known = facts({"1": PASSING, "2": PASSING}, failures={"1": (1.0, 2.0)}, now=3.0)
    flapping = judge(server, known, True)
    assert list(pool_changes(server, judge(server, BOTH, True), flapping, True)) == [
        Change(
            "warning", "server_flapping", {"virtual_server": "web", "real_server": "192.0.2.1:80"}
        )
    ]
    assert list(pool_changes(server, flapping, flapping, True)) == []


def test_a_weight_with_a_new_reason_is_an_event_with_the_result_of_the_probe() -> None:
    server = replace(POOL, quorum=1)
    refused = Result(Reason.REFUSED, "connecting: Connection refused", 0.001)
    known = Facts({"1": TargetState(FAILING, refused), "2": TargetState(PASSING)})
    before, now = judge(server, BOTH, True), judge(server, known, True)
    assert list(weight_changes(server, before, now, known)) == [
        {
            "virtual_server": "web",
            "real_server": "192.0.2.1:80",
            "weight": None,
            "reason": "configured; failing (refused: connecting: Connection refused)",
        }
    ]


def test_another_configured_weight_is_an_event_and_a_step_of_slow_start_is_not() -> None:
    slow = tuple(
        replace(server, weight=100, slow_start=SlowStart(20.0)) for server in POOL.real_servers
    )
    server = replace(POOL, quorum=1, real_servers=slow)
    first, second = (member.key for member in slow)
    plain = judge(replace(POOL, quorum=1), BOTH, True)
    joined = judge(server, BOTH, True, {first: -1000.0})
    changes = list(weight_changes(server, plain, joined, BOTH))
    assert [(change["real_server"], change["weight"]) for change in changes] == [
        (str(first), 100),
        (str(second), 10),
    ]
    later = replace(BOTH, now=10.0)
    grown = judge(server, later, True, joined.serving_since)
    assert grown.derivations[second][-1].weight == 55
    assert list(weight_changes(server, joined, grown, later)) == []
