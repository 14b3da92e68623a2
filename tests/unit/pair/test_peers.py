"""What a director believes of its peers: answers, silence, and refused states."""

from typing import Any

import pytest
from msgspec.structs import replace

from hadirector.model.pair import Pair, PairPeer
from hadirector.pair.peers import (
    Peer,
    PeerReport,
    Reach,
    Refusal,
    age,
    configure,
    expire,
    find_change,
    receive,
)
from hadirector.pair.state import PairState

PAIR = Pair(
    name="edge",
    address="192.0.2.1",
    port=9471,
    certificate="/p/lb1.pem",
    key="/p/lb1.key",
    peers=(
        PairPeer(name="lb2", address="192.0.2.2", port=9471, certificate="/p/lb2.pem"),
        PairPeer(name="lb3", address="192.0.2.3", port=9471, certificate="/p/lb3.pem"),
    ),
)
PEERS = configure({}, PAIR, 100.0)
STATE = PairState(pair="edge", name="lb2", incarnation="aa", generation=7, clock=1000.5)


def after(peer: Peer, now: float, report: PeerReport, utc: float = 1000.0) -> Peer:
    return receive(PEERS, PAIR, "lb1", peer, report, now=now, utc=utc)


def answered(peer: Peer, now: float, **changes: Any) -> Peer:
    state = replace(STATE, **changes)
    return after(peer, now, PeerReport(state=state, asked_at=now - 0.5, answered_at=now))


def failed(peer: Peer, now: float, reason: str = "connection refused") -> Peer:
    return after(peer, now, PeerReport(reason=reason))


def test_an_answer_reaches_a_peer() -> None:
    peer = answered(PEERS["lb2"], 101.0)
    assert (peer.reach, peer.state, peer.since, age(peer, 103.0)) == (
        Reach.REACHED,
        STATE,
        101.0,
        2.0,
    )
    assert peer.clock_skew == 0.5
    assert find_change(PEERS["lb2"], peer) == (
        "info",
        "pair_peer_reached",
        {
            "peer": "lb2",
            "address": "192.0.2.2:9471",
            "previous": "unknown",
            "state": "reached",
            "reason": "it answers",
        },
    )
    assert find_change(peer, answered(peer, 102.0, generation=8)) is None


def test_a_peer_is_lost_after_ten_seconds_and_its_last_state_stays() -> None:
    reached = answered(PEERS["lb2"], 101.0)
    silent = failed(reached, 110.9)
    assert silent.reach is Reach.REACHED
    lost = failed(silent, 111.0)
    assert (lost.reach, lost.reason, lost.since, lost.state) == (
        Reach.LOST,
        "connection refused",
        111.0,
        STATE,
    )
    change = find_change(silent, lost)
    assert change is not None
    assert (change.level, change.event) == ("warning", "pair_peer_lost")
    assert failed(lost, 112.0, "no route") == lost, "one event for one loss"
    assert answered(lost, 120.0).reach is Reach.REACHED


def test_a_report_that_has_waited_does_not_make_a_state_younger() -> None:
    """The web process writes it, and the director reads it 4 s later."""
    report = PeerReport(state=STATE, asked_at=101.0, answered_at=101.5)
    peer = after(PEERS["lb2"], 105.5, report)
    assert (peer.asked_at, peer.received_at, peer.answered_at) == (101.0, 101.5, 101.5)
    assert peer.clock_skew == 4.5, "the answer came at 996.0"
    assert age(peer, 105.5) == 4.0
    late = after(PEERS["lb2"], 111.5, report)
    assert late.reach is Reach.UNKNOWN
    assert expire(late, 111.5).reach is Reach.LOST
    early = PeerReport(state=STATE, asked_at=200.0, answered_at=201.0)
    assert after(PEERS["lb2"], 101.0, early).received_at == 101.0


def test_a_peer_is_lost_even_if_the_web_process_reports_nothing() -> None:
    assert expire(PEERS["lb2"], 109.9).reach is Reach.UNKNOWN
    lost = expire(PEERS["lb2"], 110.0)
    assert (lost.reach, lost.reason) == (Reach.LOST, "no answer from 192.0.2.2:9471")


@pytest.mark.parametrize(
    ("changes", "refusal", "reason"),
    [
        (
            {"pair": "core"},
            "wrong_pair",
            "it belongs to the pair 'core', and this director to 'edge'",
        ),
        (
            {"name": "lb1"},
            "own_name",
            "it has the name of this director, lb1; give each director its own name",
        ),
        (
            {"name": "lb3"},
            "duplicate_name",
            "it has the name of another peer, lb3; give each director its own name",
        ),
        (
            {"name": "lb9"},
            "wrong_name",
            "the director there has the name 'lb9', and the file has 'lb2'",
        ),
        (
            {"generation": 6},
            "old_generation",
            "the state has the generation 6, after 7; if the host was restored from a copy,"
            " restart hadirector on lb2",
        ),
    ],
)
def test_a_contradiction_is_counted_and_changes_nothing_else(
    changes: dict[str, Any], refusal: str, reason: str
) -> None:
    reached = answered(PEERS["lb2"], 101.0)
    refused = answered(reached, 102.0, **changes)
    assert (refused.reach, refused.refusal, refused.reason) == (Reach.REFUSED, refusal, reason)
    assert (refused.state, refused.received_at) == (STATE, 101.0)
    again = answered(refused, 103.0, **changes)
    assert again.refusals == {Refusal(refusal): 2}
    assert find_change(refused, again) is None, "one event for the same contradiction"


def test_an_earlier_run_is_not_believed_after_a_later_one() -> None:
    """The order of random ids is the order in which they were seen."""
    first = answered(PEERS["lb2"], 101.0)
    second = answered(first, 102.0, incarnation="bb", generation=1)
    assert (second.reach, second.former) == (Reach.REACHED, ("aa",))
    replayed = answered(second, 103.0, generation=9)
    assert (replayed.refusal, replayed.state) == (Refusal.OLD_INCARNATION, second.state)


def test_a_run_without_an_answer_for_a_minute_makes_no_other_run_old() -> None:
    """A clone of the peer answers once. Then the peer itself is not refused for ever."""
    clone = answered(answered(PEERS["lb2"], 101.0), 102.0, incarnation="bb")
    refused = answered(clone, 161.9)
    assert refused.refusal is Refusal.OLD_INCARNATION
    again = answered(refused, 162.0)
    assert (again.state, again.former) == (STATE, ("bb",))
    assert answered(again, 163.0, incarnation="bb").refusals == {Refusal.OLD_INCARNATION: 2}


def test_a_restored_run_is_accepted_after_a_minute() -> None:
    reached = answered(PEERS["lb2"], 101.0)
    refused = answered(reached, 160.9, generation=3)
    assert refused.refusal is Refusal.OLD_GENERATION
    restored = answered(refused, 161.0, generation=3)
    assert restored.state == replace(STATE, generation=3)


@pytest.mark.parametrize("refusal", Refusal)
def test_good_and_bad_answers_in_turns_make_one_event(refusal: Refusal) -> None:
    peer = answered(PEERS["lb2"], 101.0)
    events = 0
    for number in range(40):
        now = 101.125 + number / 8
        report = PeerReport(refusal=refusal, reason="bad")
        found = answered(peer, now) if number % 2 else after(peer, now, report)
        events += find_change(peer, found) is not None
        peer = found
    assert (events, peer.reach, peer.refusals) == (1, Reach.REFUSED, {refusal: 20})


def test_a_contradiction_counts_for_five_seconds() -> None:
    """Otherwise two directors at one address would cause two events a second."""
    reached = answered(PEERS["lb2"], 101.0)
    refused = answered(reached, 102.0, generation=3)
    newer = answered(refused, 103.0, generation=8)
    assert (newer.reach, newer.received_at) == (Reach.REFUSED, 103.0)
    assert answered(newer, 106.9, generation=8).reach is Reach.REFUSED
    assert answered(newer, 107.0, generation=8).reach is Reach.REACHED


def test_a_refused_certificate_is_reported_with_both_fingerprints() -> None:
    report = PeerReport(
        refusal=Refusal.CERTIFICATE, reason="another certificate", expected="aa", presented="bb"
    )
    refused = after(PEERS["lb2"], 101.0, report)
    change = find_change(PEERS["lb2"], refused)
    assert change is not None
    assert change.event == "pair_peer_refused"
    assert change.fields == {
        "peer": "lb2",
        "address": "192.0.2.2:9471",
        "previous": "unknown",
        "state": "refused",
        "reason": "another certificate",
        "refusal": "certificate",
        "expected": "aa",
        "presented": "bb",
    }
    assert answered(refused, 106.0).reach is Reach.REACHED, "the certificate was mended"
    assert failed(refused, 110.9).reach is Reach.REFUSED
    lost = failed(refused, 111.0)
    assert lost.reach is Reach.LOST
    change = find_change(refused, lost)
    assert change is not None
    assert "presented" not in change.fields
    assert (lost.expected, lost.presented) == ("", "")


def test_a_peer_with_another_address_or_certificate_begins_anew() -> None:
    known = {**PEERS, "lb2": answered(PEERS["lb2"], 101.0)}
    assert configure(known, PAIR, 105.0) == known
    moved = replace(PAIR, peers=(replace(PAIR.peers[0], port=9472),))
    assert configure(known, moved, 105.0) == {
        "lb2": Peer(
            name="lb2",
            where="192.0.2.2:9472",
            certificate="/p/lb2.pem",
            since=105.0,
            answered_at=105.0,
        )
    }
    assert configure(known, None, 105.0) == {}


def test_the_former_runs_are_limited() -> None:
    peer = PEERS["lb2"]
    for number in range(20):
        peer = answered(peer, 101.0 + number, incarnation=f"{number:x}")
    assert peer.former == tuple(f"{number:x}" for number in range(3, 19))


def test_another_presented_certificate_is_another_event() -> None:
    """An expired certificate after a foreign one: the operator has to see both."""
    first = PeerReport(refusal=Refusal.CERTIFICATE, reason="foreign", presented="bb")
    second = PeerReport(refusal=Refusal.CERTIFICATE, reason="expired", presented="cc")
    foreign = after(PEERS["lb2"], 101.0, first)
    again = after(foreign, 102.0, first)
    assert find_change(foreign, again) is None
    expired = after(again, 103.0, second)
    change = find_change(again, expired)
    assert change is not None
    assert (change.fields["reason"], change.fields["presented"]) == ("expired", "cc")
    assert expired.since == 101.0


def test_a_changed_file_of_the_peer_is_another_event() -> None:
    """The peer presents the same certificate, which the file now has; it is refused as expired."""
    first = PeerReport(refusal=Refusal.CERTIFICATE, reason="foreign", expected="aa", presented="bb")
    second = PeerReport(
        refusal=Refusal.CERTIFICATE, reason="expired", expected="bb", presented="bb"
    )
    foreign = after(PEERS["lb2"], 101.0, first)
    expired = after(foreign, 102.0, second)
    change = find_change(foreign, expired)
    assert change is not None
    assert (change.fields["reason"], change.fields["expected"]) == ("expired", "bb")
