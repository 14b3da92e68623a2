"""The report of a pair: facts with their ages, and the problems that join the verdict."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from hadirector.model.pair import Pair
from hadirector.pair.comparison import Difference, DifferenceKind, LastingDifference
from hadirector.pair.peers import Peer, Reach
from hadirector.pair.problems import find_problems
from hadirector.pair.report import (
    Comparison,
    describe_standby,
    find_successor,
    make_report,
    views,
)
from hadirector.pair.split_brain import SplitBrain
from hadirector.pair.state import (
    InstanceState,
    PairState,
    ReadinessFact,
    SenderState,
    VirtualServerState,
)
from hadirector.status.verdict import DirectorVerdict, Level
from vrrp.model.report import State

NOW = 1000.0
OWN = PairState(
    name="lb1",
    version="1.2.0",
    instances=(
        InstanceState(
            name="web", vrid=51, state=State.ACTIVE, senders=(SenderState("10.99.0.2", 9, 0.5),)
        ),
    ),
    virtual_servers=(VirtualServerState("web", 2, 3, connections=412),),
)
THEIRS = PairState(
    name="lb2",
    version="1.1.9",
    instances=(InstanceState(name="web", vrid=51, state=State.BACKUP, address="10.99.0.2"),),
)
BLIND = replace(THEIRS, readiness=(ReadinessFact("blind", "unready", 12.0),))
PAIR = Pair(name="edge", address="192.0.2.1", port=9471, certificate="", key="", peers=())
VERDICT = DirectorVerdict(Level.OK, "fine")


def a_peer(**fields: Any) -> Peer:
    usual: dict[str, Any] = {
        "name": "lb2",
        "where": "192.0.2.2:9471",
        "certificate": "/c",
        "since": NOW - 100.0,
        "answered_at": NOW - 0.5,
        "reach": Reach.REACHED,
        "reason": "it answers",
        "state": THEIRS,
        "received_at": NOW - 0.5,
    }
    return Peer(**(usual | fields))


LOST = a_peer(reach=Reach.LOST, reason="no answer", since=NOW - 42.0, received_at=NOW - 52.0)


def problems(peer: Peer, **found: Any) -> list[tuple[str, str, str]]:
    return [
        (each.level, each.code, each.reason)
        for each in find_problems(OWN, {"lb2": peer}, Comparison(**found), NOW)
    ]


def lasting(kind: DifferenceKind, name: str, since: float) -> LastingDifference:
    return LastingDifference("lb2", Difference(kind, name, "a", "b"), since)


def test_the_report_has_both_directors_with_the_ages_of_their_facts() -> None:
    peers = {"lb2": a_peer()}
    report = make_report(PAIR, OWN, peers, Comparison(), verdict=VERDICT, now=NOW)
    here, there = report.directors
    assert (here.name, here.here, here.age, here.current) == ("lb1", True, 0.0, True)
    assert (there.name, there.here, there.age, there.current) == ("lb2", False, 0.5, True)
    assert there.facts is not None
    assert (there.facts.version, there.facts.ready) == ("1.1.9", True)
    assert here.facts is not None
    assert here.facts.virtual_servers[0].connections == 412


def test_the_facts_of_a_lost_peer_are_not_current() -> None:
    report = make_report(PAIR, OWN, {"lb2": LOST}, Comparison(), verdict=VERDICT, now=NOW)
    there = report.directors[1]
    assert (there.current, there.age, there.since_seconds) == (False, 52.0, 42.0)
    assert [*views(OWN, {"lb2": LOST}, NOW)] == ["lb1"]


@pytest.mark.parametrize(
    ("peer", "text"),
    [
        (a_peer(), "lb2 could take over"),
        (a_peer(state=BLIND), "lb2 could not take over"),
        (LOST, "it is not known whether lb2 could take over"),
    ],
)
def test_whether_a_peer_could_take_over(peer: Peer, text: str) -> None:
    assert describe_standby([peer], ()) == text


def test_the_number_of_differences_of_a_standby() -> None:
    found = [lasting(DifferenceKind.VERSION, "", NOW), lasting(DifferenceKind.VERDICTS, "web", NOW)]
    assert describe_standby([a_peer()], found) == "lb2 could take over, with 2 differences"


def test_a_good_pair_has_no_problem() -> None:
    assert problems(a_peer()) == []
    assert problems(a_peer(reach=Reach.UNKNOWN, state=None)) == []


def test_a_peer_that_does_not_answer_but_is_heard() -> None:
    assert problems(LOST) == [
        (
            "DEGRADED",
            "pair_peer_lost",
            "the director does not answer over the link (no answer),"
            " but its advertisements are heard",
        )
    ]
    [(_, _, reason)] = problems(replace(LOST, state=replace(THEIRS, instances=())))
    assert reason == "the director does not answer over the link (no answer)"


def test_a_refused_peer() -> None:
    refused = a_peer(reach=Reach.REFUSED, reason="it has the name of this director")
    assert problems(refused) == [
        (
            "DEGRADED",
            "pair_peer_refused",
            "the answers of the director are refused: it has the name of this director",
        )
    ]


def test_a_peer_that_could_not_take_over() -> None:
    assert problems(a_peer(state=BLIND)) == [
        ("DEGRADED", "pair_peer_unready", "the director could not take over: it is blind")
    ]


def test_a_split_brain_is_critical() -> None:
    found = SplitBrain(
        instance="web",
        directors=("lb1", "lb2"),
        since=NOW - 2.0,
        cause="lb1 sent 412, lb2 heard 0 and dropped 0: a filter or a switch",
        remedy="look at the filters",
    )
    assert problems(a_peer(), split_brains=(found,)) == [
        (
            "CRITICAL",
            "split_brain",
            "lb1 and lb2 are both ACTIVE: lb1 sent 412, lb2 heard 0 and dropped 0:"
            " a filter or a switch",
        )
    ]


def test_differences_of_one_kind_are_one_problem() -> None:
    found = (
        lasting(DifferenceKind.CONFIGURATION, "virtual_server/web", NOW),
        lasting(DifferenceKind.CONFIGURATION, "virtual_server/mail", NOW),
        lasting(DifferenceKind.VERDICTS, "web", NOW - 9.0),
        lasting(DifferenceKind.ACTUAL, "web", NOW - 11.0),
    )
    assert problems(a_peer(), differences=found) == [
        (
            "DEGRADED",
            "pair_configuration_differs",
            "the configuration of virtual_server/web differs: a here, b on lb2 (and 1 more)",
        ),
        (
            "DEGRADED",
            "pair_tables_differ",
            "the table of the kernel of web differs: a here, b on lb2",
        ),
    ]


def test_the_successor_is_the_current_backup_with_the_highest_priority() -> None:
    weak = replace(THEIRS.instances[0], priority=50)
    strong = replace(THEIRS.instances[0], priority=90)
    peers = {
        "lb2": a_peer(state=replace(BLIND, instances=(strong,))),
        "lb3": a_peer(name="lb3", state=replace(THEIRS, instances=(weak,))),
        "lb4": replace(LOST, name="lb4"),
    }
    found = find_successor(peers, "web", NOW)
    assert found is not None
    assert (found.name, found.priority, found.unready) == ("lb2", 90, ("it is blind",))
    assert find_successor({"lb4": LOST}, "web", NOW) is None
    assert find_successor(peers, "mail", NOW) is None
