"""What makes a director unready, and when that lowers its priority."""

from __future__ import annotations

from typing import Any

import pytest

from hadirector.pair.comparison import Difference, DifferenceKind, LastingDifference
from hadirector.pair.peers import Peer, Reach, Refusal
from hadirector.pair.readiness import (
    MEANINGS,
    Fact,
    Gate,
    Severity,
    Sighting,
    Situation,
    describe_fact,
    describe_facts,
    find_facts,
    find_peer_facts,
    find_sightings,
    follow_facts,
    has_reliance,
    is_ready,
)
from hadirector.pair.state import (
    PairState,
    ReadinessFact,
)

BLIND = Fact("blind", Severity.UNREADY, "no target answers", 0.0)
DIFFERS = Fact("configuration_differs", Severity.ALARM, "lb2 has another configuration", 0.0)


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        ({}, {}),
        (
            {"held_out": "3 targets have no verdict"},
            {"instance_starting": "3 targets have no verdict"},
        ),
        ({"unfit": ("a", "b")}, {"unfit": "a; b"}),
        ({"failing": 2}, {"table_operations_failing": "2 fail"}),
        ({"without_verdict": 1}, {"servers_unknown": "1 without a verdict"}),
        ({"blind": True}, {"blind": "no target answers"}),
        ({"sysctls": ("net.ipv4.ip_forward",)}, {"sysctl_differs": "net.ipv4.ip_forward"}),
        ({"sync_threads": ("backup on eth0",)}, {"sync_daemon_missing": "backup on eth0"}),
        ({"not_stored": ("no space",)}, {"state_not_writable": "no space"}),
    ],
)
def test_each_lack_of_this_host_is_one_fact(
    situation: dict[str, Any], expected: dict[str, str]
) -> None:
    found = find_facts(Situation(**situation))
    assert found == expected
    assert found.keys() <= MEANINGS.keys()


def test_a_fact_keeps_the_time_of_its_begin() -> None:
    first = follow_facts((), {"blind": "no target answers"}, 5.0)
    assert first == (Fact("blind", Severity.UNREADY, "no target answers", 5.0),)
    second = follow_facts(first, {"blind": "no target answers", "clock_skew": "3 s"}, 7.0)
    assert [(fact.code, fact.severity, fact.since) for fact in second] == [
        ("blind", "unready", 5.0),
        ("clock_skew", "alarm", 7.0),
    ]
    assert follow_facts(second, {}, 8.0) == ()


def gate_after(*looks: tuple[float, bool, bool, bool]) -> Gate:
    """Return the gate after looks: (time, unready, ACTIVE, a ready peer)."""
    gate = Gate(started_at=0.0)
    for now, unready, active, reliance in looks:
        facts = (BLIND,) if unready else ()
        gate = gate.follow(facts, now, active=active, reliance=reliance)
    return gate


def test_the_priority_is_lowered_after_three_seconds_without_a_break() -> None:
    assert not gate_after((0.0, True, True, True), (2.9, True, True, True)).lowered
    assert gate_after((0.0, True, True, True), (3.0, True, True, True)).lowered
    flaps = [(0.0, True, True, True), (2.0, False, True, True), (2.1, True, True, True)]
    assert not gate_after(*flaps, (5.0, True, True, True)).lowered
    assert gate_after(*flaps, (5.1, True, True, True)).lowered


def test_the_priority_returns_after_ten_seconds_without_a_fact() -> None:
    lowered = [(0.0, True, False, True), (3.0, True, False, True), (4.0, False, False, True)]
    assert gate_after(*lowered, (13.9, False, False, True)).lowered
    assert not gate_after(*lowered, (14.0, False, False, True)).lowered
    relapse = [*lowered, (13.0, True, False, True), (13.5, False, False, True)]
    assert gate_after(*relapse, (23.4, False, False, True)).lowered
    assert not gate_after(*relapse, (23.5, False, False, True)).lowered


def test_only_a_ready_peer_is_a_reason_to_give_up() -> None:
    assert not gate_after((0.0, True, True, False), (60.0, True, True, False)).lowered
    assert not gate_after((0.0, True, False, False), (60.0, True, False, False)).lowered


def test_an_active_director_without_a_ready_peer_raises_its_priority_again() -> None:
    lowered = [(0.0, True, True, True), (3.0, True, True, True)]
    assert not gate_after(*lowered, (3.1, True, True, False)).lowered


def test_a_backup_director_stays_lowered_while_the_link_is_down() -> None:
    lowered = [(0.0, True, False, True), (3.0, True, False, True)]
    assert gate_after(*lowered, (300.0, True, False, False)).lowered


def test_a_comparison_lowers_nothing() -> None:
    gate = Gate(started_at=0.0)
    for now in (0.0, 10.0, 100.0):
        gate = gate.follow((DIFFERS,), now, active=True, reliance=True)
    assert (gate.ready, gate.lowered) == (True, False)


def test_a_director_that_has_just_started_preempts_when_it_is_ready_or_after_a_minute() -> None:
    gate = gate_after((0.0, True, False, False), (59.0, True, False, False))
    assert not gate.may_preempt(59.9)
    assert gate.may_preempt(60.0)
    once_ready = gate_after((0.0, True, False, False), (5.0, False, False, False))
    assert once_ready.may_preempt(5.0)
    later = gate_after((0.0, False, False, False), (5.0, True, False, False))
    assert later.may_preempt(6.0)


def test_a_peer_counts_only_if_it_is_ready_and_was_asked_less_than_three_seconds_ago() -> None:
    ready = Sighting((ReadinessFact("clock_skew", "alarm", 8.0),), 10.0)
    assert has_reliance([ready], 12.9)
    assert not has_reliance([ready], 13.0)
    assert not has_reliance([Sighting((ReadinessFact("blind", "unready", 0.1),), 10.0)], 10.0)
    assert not has_reliance([Sighting((ReadinessFact("new", "of a later version"),), 10.0)], 10.0)
    assert not has_reliance([], 0.0)


def test_a_peer_learns_that_the_priority_is_still_lowered() -> None:
    lowered = gate_after(
        (0.0, True, False, True), (3.0, True, False, True), (4.0, False, False, True)
    )
    told = describe_facts((DIFFERS,), lowered, 6.0)
    assert told == (
        ReadinessFact("configuration_differs", "alarm", 6.0),
        ReadinessFact("returning", "unready", 2.0),
    )
    assert not is_ready(told)
    assert describe_fact(told[1]) == (
        "its priority is lowered until nothing has been missing for 10 s (2 s)"
    )
    assert (
        describe_fact(ReadinessFact("later", "unready", 1.0)) == "it lacks something: later (1 s)"
    )


def peer(state: PairState | None, **fields: Any) -> Peer:
    usual: dict[str, Any] = {
        "name": "lb2",
        "where": "192.0.2.2:9471",
        "certificate": "f",
        "since": 0.0,
        "answered_at": 0.0,
        "reach": Reach.REACHED,
        "state": state,
        "asked_at": 7.0,
    }
    return Peer(**(usual | fields))


def test_a_peer_that_is_not_reached_is_not_relied_on() -> None:
    facts = (ReadinessFact("blind", "unready", 0.1),)
    state = PairState(readiness=facts)
    assert find_sightings([peer(state)]) == (Sighting(facts, 7.0),)
    assert find_sightings([peer(state, reach=Reach.LOST), peer(None)]) == ()


def test_the_differences_from_a_peer_are_alarms() -> None:
    """They are those of the latest comparison, so nothing is compared again."""
    sync = "master and backup, id"
    differences = [
        LastingDifference("lb2", Difference(*each), 5.0)
        for each in (
            (DifferenceKind.CLOCK, "", "", "3.0 s behind"),
            (DifferenceKind.CONFIGURATION, "virtual_servers/web", "1", "2"),
            (DifferenceKind.CONNECTION_SYNC, "", f"{sync} 1", f"{sync} 2"),
            (DifferenceKind.VERSION, "", "1.0", "1.1"),
        )
    ]
    assert find_peer_facts([peer(PairState())], differences) == {
        "clock_skew": "lb2: 3.0 s behind",
        "configuration_differs": "lb2 has another virtual_servers/web",
        "sync_daemon_differs": "lb2: master and backup, id 2, here master and backup, id 1",
    }
    assert find_peer_facts([peer(PairState(), reach=Reach.LOST)], differences) == {}
    refused = peer(
        None, reach=Reach.REFUSED, refusal=Refusal.INCOMPATIBLE, reason="versions 2 to 3"
    )
    assert find_peer_facts([refused], []) == {"version_incompatible": "lb2: versions 2 to 3"}
