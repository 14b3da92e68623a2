"""A filter between two directors, as each of them sees it over the link, and the events of that."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from hadirector.pair.comparison import Difference, DifferenceKind, LastingDifference
from hadirector.pair.knowledge import NOTHING_KNOWN, Knowledge, find_events, update
from hadirector.pair.peers import Peer, Reach
from hadirector.pair.report import Comparison
from hadirector.pair.split_brain import UNKNOWN_CAUSE, SplitBrain
from hadirector.pair.state import InstanceState, PairState, SenderState
from vrrp.model.report import State

FILTERED = 100.2
"""From then on, no advertisement of lb1 reaches lb2. lb1 sends at x.0 and lb2 at x.6."""
TAKEOVER = 103.6
LINK_SECONDS = 0.05
ADDRESSES = {"lb1": "10.99.0.1", "lb2": "10.99.0.2"}
REPORTS = {"lb1": 0.5, "lb2": 0.3}
"""The instances report to their directors every second, at x.5 and at x.3."""


def state_of(name: str, now: float, dropped: str = "") -> PairState:
    """Return the state of a director at a time, with the counts of its latest report."""
    counted = float(int(now - REPORTS[name])) + REPORTS[name]
    if name == "lb1":
        heard = max(0, int(counted - TAKEOVER) + 1) if counted >= TAKEOVER else 0
        silence = (counted - TAKEOVER) % 1.0 if heard else None
        senders = (SenderState(ADDRESSES["lb2"], heard, silence),) if heard else ()
        active, sent = True, int(counted)
    else:
        last = min(float(int(counted)), 100.0)
        refused = {dropped: int(counted) - 100} if dropped and counted > 101 else {}
        senders = (SenderState(ADDRESSES["lb1"], int(last), counted - last, refused),)
        active, sent = now >= TAKEOVER, max(0, int(counted - TAKEOVER) + 1)
    instance = InstanceState(
        name="web",
        vrid=51,
        state=State.ACTIVE if active else State.BACKUP,
        address=ADDRESSES[name],
        sent=sent,
        senders=senders,
        counted_for=counted,
        counted_ago=now - counted,
    )
    return PairState(name=name, incarnation="a1", version="1.2.0", instances=(instance,))


def seconds_until_named(name: str, dropped: str = "") -> tuple[float, str]:
    """Let a director compare 20 times a second; return when it named the split brain, and how.

    It gets the state of its peer once in five seconds, and each second while both are ACTIVE.
    """
    other = "lb2" if name == "lb1" else "lb1"
    peer = Peer(name=other, where="", certificate="", since=0.0, answered_at=0.0)
    known: Knowledge = NOTHING_KNOWN
    for tick in range(1900, 2200):
        now = tick / 20
        sent_at = now - LINK_SECONDS
        both = sent_at >= TAKEOVER
        pause = 1.0 if both else 5.0
        first = both and peer.state is not None and peer.received_at < TAKEOVER  # type: ignore[operator]  # not None with a state
        if peer.state is None or first or now - (peer.received_at or 0.0) >= pause:
            peer = replace(
                peer, reach=Reach.REACHED, state=state_of(other, sent_at, dropped), received_at=now
            )
        known = update(known, state_of(name, now, dropped), {other: peer}, now)
        for found in known.comparison.split_brains:
            return now - TAKEOVER, found.cause
    raise AssertionError("the split brain was not named")


@pytest.mark.parametrize("name", ["lb1", "lb2"])
def test_a_filter_is_named_by_both_directors_within_two_seconds(name: str) -> None:
    seconds, cause = seconds_until_named(name)
    assert seconds <= 2.0
    assert cause.endswith("lb2 heard 0 and dropped 0: a filter or a switch")


@pytest.mark.parametrize("name", ["lb1", "lb2"])
def test_wrong_authentication_is_named_by_both_directors_within_two_seconds(name: str) -> None:
    seconds, cause = seconds_until_named(name, "hmac_tag")
    assert seconds <= 2.0
    assert "for authentication (hmac_tag)" in cause


def split_brain(cause: str, since: float = 100.0) -> Comparison:
    found = SplitBrain(
        instance="web", directors=("lb1", "lb2"), since=since, cause=cause, remedy="look"
    )
    return Comparison(at=101.0, split_brains=(found,))


def events(before: Comparison, after: Comparison) -> list[tuple[str, str, dict[str, Any]]]:
    return [(event.level, event.name, dict(event.fields)) for event in find_events(before, after)]


def test_the_events_of_a_split_brain() -> None:
    named, unknown = split_brain("a filter"), split_brain(UNKNOWN_CAUSE)
    place = {"instance": "web", "directors": "lb1 and lb2"}
    assert events(Comparison(), named) == [
        ("error", "split_brain_detected", {**place, "cause": "a filter"})
    ]
    assert events(unknown, named) == [
        ("error", "split_brain_explained", {**place, "cause": "a filter"})
    ]
    assert events(named, split_brain("another text")) == []
    assert events(named, Comparison(at=107.5)) == [
        ("info", "split_brain_ended", {**place, "seconds": 7.5})
    ]


def lasting(*names: str) -> tuple[LastingDifference, ...]:
    return tuple(
        LastingDifference(
            "lb2", Difference(DifferenceKind.VERDICTS, name, "3 of 3", "2 of 3"), 100.0
        )
        for name in names
    )


def test_differences_of_one_kind_are_one_event_when_they_have_lasted() -> None:
    usual = Comparison(at=109.0, differences=lasting("web"))
    fault = Comparison(at=110.0, differences=lasting("web", "mail"))
    assert events(Comparison(), usual) == []
    assert events(usual, fault) == [
        (
            "warning",
            "pair_difference_found",
            {
                "peer": "lb2",
                "kind": "verdicts",
                "count": 2,
                "first": "web",
                "here": "3 of 3",
                "there": "2 of 3",
            },
        )
    ]
    assert events(fault, Comparison(at=120.0, differences=lasting("web"))) == []
    assert events(fault, Comparison(at=120.0)) == [
        ("info", "pair_difference_ended", {"peer": "lb2", "kind": "verdicts"})
    ]
