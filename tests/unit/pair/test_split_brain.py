"""Two directors that are ACTIVE for one instance are named, with the cause."""

from __future__ import annotations

import pytest

from hadirector.pair.advertisements import Flow, View
from hadirector.pair.split_brain import (
    Conflicts,
    SplitBrain,
    describe_flow,
    find_conflicts,
    find_split_brains,
)
from hadirector.pair.state import InstanceState, PairState
from vrrp.model.report import State

LOST = Flow(instance="web", sender="lb1", receiver="lb2", advertises=True, sent=412)
HEARD = Flow(instance="web", sender="lb2", receiver="lb1", advertises=True, received=9, silence=0.1)


def views(at: float, *states: State, vrid: int = 51) -> dict[str, View]:
    found = {}
    for number, state in enumerate(states, 1):
        instance = InstanceState(name="web", vrid=51 if number == 1 else vrid, state=state)
        found[f"lb{number}"] = View(PairState(name=f"lb{number}", instances=(instance,)), at)
    return found


def conflicts(*times: float) -> Conflicts:
    """Return the conflicts after states of two ACTIVE directors at these times."""
    found: Conflicts = {}
    for at in times:
        found = find_conflicts(found, views(at, State.ACTIVE, State.ACTIVE), at)
    return found


def split_brains(found: Conflicts, now: float, *flows: Flow, vrid: int = 51) -> list[SplitBrain]:
    known = views(now, State.ACTIVE, State.ACTIVE, vrid=vrid)
    return [*find_split_brains(found, flows, known, now)]


def test_two_active_directors_are_named_with_the_lost_direction() -> None:
    [found] = split_brains(conflicts(100.0, 101.0), 101.0, LOST, HEARD)
    assert found.directors == ("lb1", "lb2")
    assert found.since == 100.0
    assert found.cause == "lb1 sent 412, lb2 heard 0 and dropped 0: a filter or a switch"


def test_one_active_director_is_no_conflict() -> None:
    found = find_conflicts(conflicts(100.0, 101.0), views(102.0, State.ACTIVE, State.BACKUP), 102.0)
    assert found == {}


def test_a_takeover_of_some_milliseconds_is_no_split_brain() -> None:
    """A state from before the takeover may arrive late: only a later state confirms it."""
    found = conflicts(100.0, 100.4)
    assert split_brains(found, 100.4, LOST) == []
    known = views(100.4, State.ACTIVE, State.ACTIVE)
    found = find_conflicts(found, known, 105.0)  # no new state for five seconds
    assert split_brains(found, 105.0, LOST) == []
    assert split_brains(conflicts(100.0, 100.5), 100.5, LOST) != []


def test_without_a_cause_it_is_named_a_moment_later() -> None:
    found = conflicts(100.0, 101.0)
    assert split_brains(found, 101.0, HEARD) == []
    [named] = split_brains(found, 101.9, HEARD)
    assert named.cause == "the counts of the directors do not show the cause yet"


def test_the_same_instance_with_two_virtual_router_ids() -> None:
    [named] = split_brains(conflicts(100.0, 101.0), 101.0, LOST, vrid=52)
    assert named.cause == "lb1 has the VRID 51, and lb2 has the VRID 52"


def test_both_directions_are_named() -> None:
    back = Flow(instance="web", sender="lb2", receiver="lb1", advertises=True, sent=3)
    [named] = split_brains(conflicts(100.0, 101.0), 101.0, LOST, back)
    assert named.cause == (
        "lb1 sent 412, lb2 heard 0 and dropped 0: a filter or a switch;"
        " lb2 sent 3, lb1 heard 0 and dropped 0: a filter or a switch"
    )


@pytest.mark.parametrize(
    ("sent", "dropped", "text"),
    [
        (412, {"hmac_tag": 412}, "lb1 sent 412, lb2 dropped 412 for authentication (hmac_tag)"),
        (None, {"auth_password": 5}, "lb2 dropped 5 of lb1 for authentication (auth_password)"),
        (2, {"checksum": 3}, "lb2 dropped 3 of lb1 for a wrong checksum (checksum)"),
        (9, {"ttl": 1, "new_reason": 8}, "lb1 sent 9, lb2 dropped 9 for new_reason"),
        (None, {}, ""),
        (0, {}, ""),
    ],
)
def test_what_became_of_the_advertisements(
    sent: int | None, dropped: dict[str, int], text: str
) -> None:
    flow = Flow(
        instance="web",
        sender="lb1",
        receiver="lb2",
        advertises=True,
        sent=sent,
        dropped=dropped,
    )
    assert describe_flow(flow) == text
