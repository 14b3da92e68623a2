"""The directors of a pair side by side, with the age of every fact and each difference marked."""

from __future__ import annotations

import re
from typing import Any

from hadirector.cli.pair_text import render_pair
from hadirector.cli.terminal import plain
from hadirector.pair.comparison import DifferenceKind
from hadirector.pair.peers import Reach
from hadirector.pair.report import (
    PairDifference,
    PairDirector,
    PairFacts,
    PairFlow,
    PairInstance,
    PairPool,
    PairReport,
    PairSplitBrain,
)
from hadirector.pair.state import ConnectionSync, FailoverState, ReadinessFact
from hadirector.status.verdict import DirectorVerdict, Level
from vrrp.model.report import State

LB1 = PairFacts(
    version="1.2.0",
    configuration="7c41e0aabbcc",
    instances=(PairInstance("web", State.ACTIVE, 90000.0, 200, 51, "eth0"),),
    virtual_servers=(PairPool("web", 2, 3, 412),),
    overrides=1,
    last_failover=FailoverState(1762143120.0, "web", "BACKUP", "ACTIVE", "handover", None, 0.011),
    connection_sync=ConnectionSync("eth1", True, False, 7),
)
LB2 = PairFacts(
    version="1.1.9",
    configuration="7c41e0aabbcc",
    ready=False,
    unready=(ReadinessFact("blind", "unready", 12.0),),
    instances=(PairInstance("web", State.BACKUP, 90000.0, 100, 51, "eth0"),),
    virtual_servers=(PairPool("web", 3, 3, 0),),
    overrides=1,
    connection_sync=ConnectionSync("eth1", False, True, 7),
)
DIFFERENCES = (
    PairDifference("lb2", DifferenceKind.VERSION, "", "1.2.0", "1.1.9", 60.0, True),
    PairDifference("lb2", DifferenceKind.VERDICTS, "web", "2 of 3 pass", "3 of 3 pass", 4.0, False),
)
HEARD = PairFlow(
    instance="web",
    sender="lb1",
    receiver="lb2",
    advertises=True,
    received=412,
    silence=0.3,
)


def report(peer: dict[str, Any], **fields: Any) -> list[str]:
    usual: dict[str, Any] = {"reach": Reach.REACHED, "reason": "it answers", "address": "b:9471"}
    directors = (
        PairDirector(
            name="lb1",
            here=True,
            address="a:9471",
            reach=Reach.REACHED,
            reason="this director",
            age=0.0,
            current=True,
            facts=LB1,
        ),
        PairDirector(name="lb2", here=False, **(usual | peer)),
    )
    verdict = DirectorVerdict(Level.OK, "fine")
    made = PairReport(pair="edge", verdict=verdict, directors=directors, **fields)
    return [*render_pair(made, plain)]


def test_two_directors_side_by_side() -> None:
    peer = {"age": 0.4, "current": True, "facts": LB2}
    found = report(peer, differences=DIFFERENCES, flows=(HEARD,))
    assert [re.sub(" {2,}", " | ", line) for line in found] == [
        "pair edge | lb1 (here) | lb2 (0.4 s ago)",
        "version | 1.2.0 | 1.1.9 | <- differs, compatible (for 1 min)",
        "configuration | 7c41e0 | 7c41e0",
        "web | ACTIVE for 1 d, priority 200, VRID 51 | BACKUP, priority 100, VRID 51",
        "ready | yes | NO: it is blind for 12 s",
        "web | 2/3 pass, 412 connections | 3/3 pass, 0 connections | <- other verdicts (for 4 s)",
        "overrides | 1 | 1",
        "sync daemon | master, id 7 | backup, id 7",
        "last failover | 2025-11-03 04:12Z web ACTIVE (handover), silence 11 ms | none known",
        "advertisements of web, lb1 to lb2: 412 received, the last one 0.3 s ago",
    ]


def test_facts_that_are_not_current_are_marked() -> None:
    lines = report({"age": 52.0, "facts": LB2, "reach": Reach.LOST, "reason": "no answer"})
    assert lines[0].endswith("lb2 (as of 52 s ago, lost)")
    assert lines[1].endswith("was 1.1.9")
    assert lines[3].endswith("was BACKUP, priority 100, VRID 51")
    assert lines[-1] == "lb2: lost: no answer"


def test_a_director_that_never_answered_is_not_known() -> None:
    lines = report({"reach": Reach.UNKNOWN, "reason": "no answer yet"})
    assert lines[0].endswith("lb2 (not known)")
    assert lines[1].endswith("not known")


def test_a_split_brain_comes_first() -> None:
    cause = "lb1 sent 412, lb2 heard 0 and dropped 0: a filter or a switch"
    found = PairSplitBrain("web", ("lb1", "lb2"), 7.0, cause, "look")
    lines = report({"age": 0.4, "current": True, "facts": LB2}, split_brains=(found,))
    assert lines[0] == f"web: lb1 and lb2 are both ACTIVE for 7 s: {cause}"
