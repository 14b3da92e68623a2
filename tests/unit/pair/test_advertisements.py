"""The counts of two directors together show which advertisements were lost or dropped."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from hadirector.pair.advertisements import (
    Flow,
    History,
    Stranger,
    View,
    find_flows,
    find_strangers,
    remember,
)
from hadirector.pair.state import InstanceState, PairState, SenderState
from vrrp.model.report import State

ADDRESSES = {"lb1": "10.99.0.1", "lb2": "10.99.0.2", "lb3": "10.99.0.3"}


def a_view(name: str, at: float, **fields: Any) -> View:
    """Return a director with the instance "web", whose counts are as old as its state."""
    instance = InstanceState(
        name="web", vrid=51, address=ADDRESSES[name], **{"state": State.ACTIVE, **fields}
    )
    return View(PairState(name=name, incarnation="a1", instances=(instance,)), at)


def heard(name: str, received: int, silence: float | None, **dropped: int) -> dict[str, Any]:
    """Return the fields of a director that received these packets of another one."""
    return {"senders": (SenderState(ADDRESSES[name], received, silence, dropped),)}


def flow(history: History, *views: View, sender: str = "lb1") -> Flow:
    known = {view.state.name: view for view in views}
    [found] = [each for each in find_flows(history, known) if each.sender == sender]
    return found


def after(*rounds: tuple[View, View]) -> History:
    """Return the history after these pairs of views."""
    history: History = {}
    for views in rounds:
        history = remember(history, {view.state.name: view for view in views})
    return history


def test_nothing_arrives_of_what_was_sent_since_the_last_accepted_advertisement() -> None:
    """At 100.0 lb2 accepts the last one. lb1 sends at 101, 102 and 103, and reports at x.5."""
    rounds = [
        (
            a_view("lb1", 100.5 + second, sent=1000 + second),
            a_view("lb2", 100.7 + second, **heard("lb1", 999, 0.7 + second)),
        )
        for second in range(4)
    ]
    found = flow(after(*rounds), *rounds[-1])
    assert (found.sent, found.received, found.silence) == (3, 999, 3.7)
    assert found.lost
    assert not found.refused


def test_counts_from_before_the_silence_are_not_used() -> None:
    """At 99.5 lb1 had sent 999. The advertisement number 1000 was accepted."""
    early = (
        a_view("lb1", 99.5, sent=999),
        a_view("lb2", 99.6, **heard("lb1", 998, 0.6)),
    )
    late = (
        a_view("lb1", 101.5, sent=1001),
        a_view("lb2", 101.9, **heard("lb1", 999, 1.9)),
    )
    assert flow(after(early, late), *late).sent is None


def test_a_late_report_of_the_receiver_proves_nothing_about_newer_advertisements() -> None:
    """The receiver counted at 100.7, before the sender sent the next one."""
    rounds = [
        (
            a_view("lb1", 100.5 + second, sent=1000 + second),
            a_view("lb2", 100.7 + second, counted_ago=float(second), **heard("lb1", 999, 0.7)),
        )
        for second in range(3)
    ]
    assert flow(after(*rounds), *rounds[-1]).sent is None


def test_a_receiver_that_never_heard_the_sender_counts_from_its_own_start() -> None:
    rounds = [
        (
            a_view("lb1", 100.5 + second, sent=5000 + second),
            a_view("lb2", 100.7 + second, counted_for=0.7 + second),
        )
        for second in range(3)
    ]
    found = flow(after(*rounds), *rounds[-1])
    assert (found.sent, found.received, found.silence) == (2, 0, None)


def test_packets_that_are_dropped_arrive() -> None:
    rounds = [
        (
            a_view("lb1", 100.5 + second, sent=1000 + second),
            a_view("lb2", 100.7 + second, **heard("lb1", 0, None, hmac_tag=second)),
        )
        for second in range(4)
    ]
    found = flow(after(*rounds), *rounds[-1])
    assert found.dropped == {"hmac_tag": 3}
    assert found.refused
    assert not found.lost


@pytest.mark.parametrize("change", ["incarnation", "counter"])
def test_a_sender_that_was_restarted_is_counted_anew(change: str) -> None:
    quiet = heard("lb1", 7, 10.0)
    first = a_view("lb1", 100.0, sent=1000), a_view("lb2", 100.1, **quiet)
    new = a_view("lb1", 101.0, sent=1001 if change == "incarnation" else 1)
    if change == "incarnation":
        new = View(replace(new.state, incarnation="b2"), new.received_at)
    second = new, a_view("lb2", 101.5, **heard("lb1", 7, 11.5))
    assert flow(after(first, second), *second).sent is None


def test_a_silence_of_hours_is_counted_from_its_beginning_with_few_counts_in_memory() -> None:
    history: History = {}
    for second in range(3600):
        views = (
            a_view("lb1", 100.5 + second, sent=1000 + second),
            a_view("lb2", 100.9 + second, **heard("lb1", 999, 0.9 + second)),
        )
        history = remember(history, {view.state.name: view for view in views})
    assert flow(history, *views).sent == 3599
    assert len(history["lb1", "web"]) == 16


def test_a_backup_does_not_advertise() -> None:
    backup = a_view("lb1", 100.0, state=State.BACKUP, sent=3), a_view("lb2", 100.0)
    found = flow(after(backup), *backup)
    assert not found.advertises
    assert not found.lost


def test_a_router_that_is_no_director_of_the_pair() -> None:
    stranger = {"senders": (SenderState("10.99.0.2", 9, 0.5), SenderState("10.99.0.9", 3, 1.0))}
    silent = {"senders": (SenderState("10.99.0.8", 3, 31.0),)}
    views = {"lb1": a_view("lb1", 100.0, **stranger), "lb2": a_view("lb2", 100.0, **silent)}
    assert [*find_strangers(views)] == [
        Stranger(instance="web", virtual_router_id=51, director="lb1", address="10.99.0.9")
    ]


def test_a_third_director_that_hears_nothing_does_not_change_the_count_of_the_second() -> None:
    """lb3 is silent since 90.0, so the counts since then are kept. lb2 accepted one at 102.0."""
    history: History = {}
    for second in range(5):
        views = {
            "lb1": a_view("lb1", 100.5 + second, sent=1000 + second),
            "lb2": a_view("lb2", 100.7 + second, **heard("lb1", 9, 0.7 + max(0, second - 2))),
            "lb3": a_view("lb3", 100.7 + second, **heard("lb1", 3, 10.7 + second)),
        }
        history = remember(history, views)
    sent = {each.receiver: each.sent for each in find_flows(history, views) if each.sender == "lb1"}
    assert sent == {"lb2": 2, "lb3": 4}
