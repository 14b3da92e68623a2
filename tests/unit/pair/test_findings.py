"""The findings of ``hadirector doctor --pair``, each with its code."""

from __future__ import annotations

from typing import Any

import pytest

from hadirector.pair.advertisements import Stranger
from hadirector.pair.comparison import DifferenceKind
from hadirector.pair.findings import find_pair_findings
from hadirector.pair.peers import Reach
from hadirector.pair.report import (
    PairDifference,
    PairDirector,
    PairFacts,
    PairFlow,
    PairInstance,
    PairReport,
    PairSplitBrain,
)
from hadirector.pair.state import ReadinessFact
from hadirector.status.verdict import DirectorVerdict, Level
from vrrp.model.report import State

CAUSE = "lb1 sent 412, lb2 heard 0 and dropped 0: a filter or a switch"


def a_director(name: str, **fields: Any) -> PairDirector:
    mtu = fields.pop("mtu", 1500)
    instance = PairInstance("web", State.ACTIVE, 9.0, 200, 51, "eth0", mtu)
    usual: dict[str, Any] = {
        "here": name == "lb1",
        "address": "",
        "reach": Reach.REACHED,
        "reason": "it answers",
        "current": True,
        "facts": PairFacts(instances=(instance,), unready=fields.pop("unready", ())),
    }
    return PairDirector(name=name, **(usual | fields))


def a_flow(**fields: Any) -> PairFlow:
    usual: dict[str, Any] = {
        "instance": "web",
        "sender": "lb1",
        "receiver": "lb2",
        "advertises": True,
    }
    return PairFlow(**(usual | fields))


def found(peer: dict[str, Any] | None = None, **fields: Any) -> list[tuple[str, str, str]]:
    directors = (a_director("lb1"), a_director("lb2", **(peer or {})))
    verdict = DirectorVerdict(Level.OK, "fine")
    report = PairReport(pair="edge", verdict=verdict, directors=directors, **fields)
    return [(each.severity, each.code, each.what) for each in find_pair_findings(report)]


def test_a_good_pair_has_no_finding() -> None:
    assert found(flows=(a_flow(received=9, silence=0.3), a_flow(sent=2))) == []


def test_a_split_brain_is_one_finding() -> None:
    split = PairSplitBrain("web", ("lb1", "lb2"), 3.0, CAUSE, "look")
    assert found(split_brains=(split,), flows=(a_flow(sent=412, description=CAUSE),)) == [
        ("error", "split_brain", f"web: lb1 and lb2 are both ACTIVE: {CAUSE}")
    ]


@pytest.mark.parametrize(
    ("flow", "code"),
    [
        (a_flow(sent=3, description=CAUSE), "advertisements_one_way"),
        (a_flow(dropped={"hmac_tag": 2}, description=CAUSE), "advertisements_dropped"),
    ],
)
def test_advertisements_that_do_not_arrive(flow: PairFlow, code: str) -> None:
    assert found(flows=(flow,)) == [("error", code, f"web: {CAUSE}")]


def test_a_router_with_the_same_virtual_router_id() -> None:
    stranger = Stranger(instance="web", virtual_router_id=51, director="lb2", address="10.99.0.9")
    assert found(strangers=(stranger,)) == [
        (
            "error",
            "vrid_clash",
            "web: the router 10.99.0.9 advertises the VRID 51 too, and is no director of this pair"
            " (received by lb2)",
        )
    ]


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        (
            {"reach": Reach.LOST, "reason": "no answer", "current": False},
            (
                "error",
                "pair_peer_lost",
                "lb2 does not answer over the pair link: no answer",
            ),
        ),
        (
            {"unready": (ReadinessFact("blind", "unready", 9.0),)},
            ("warning", "not_ready", "lb2 could not take over: it is blind"),
        ),
        (
            {"mtu": 9000},
            (
                "warning",
                "mtu_differs",
                "web: the MTU of eth0 on lb1 is 1500, and the MTU of eth0 on lb2 is 9000",
            ),
        ),
    ],
)
def test_a_fault_of_a_director(peer: dict[str, Any], expected: tuple[str, str, str]) -> None:
    assert found(peer) == [expected]


@pytest.mark.parametrize(
    ("kind", "fault", "expected"),
    [
        (DifferenceKind.CLOCK, True, ("warning", "pair_clock_differs")),
        (DifferenceKind.CONNECTION_SYNC, True, ("warning", "pair_sync_differs")),
        (DifferenceKind.INSTANCE, True, ("error", "pair_instances_differ")),
        (DifferenceKind.VERSION, True, ("note", "pair_version_differs")),
        (DifferenceKind.VERDICTS, False, None),
    ],
)
def test_a_difference(kind: DifferenceKind, fault: bool, expected: tuple[str, str] | None) -> None:
    difference = PairDifference("lb2", kind, "web", "a", "b", 20.0, fault)
    codes = [(severity, code) for severity, code, _ in found(differences=(difference,))]
    assert codes == ([] if expected is None else [expected])
