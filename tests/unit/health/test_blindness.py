"""When a director that sees none of its backends takes that for its own fault."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.definition.check import CheckDefinition, Timing
from checks.definition.options import AllProbe, FileProbe, Member, Probe, ScriptProbe, TcpProbe
from checks.definition.result import Reason
from hadirector.health.blindness import BlindnessTracker

# Every 2 s, 1 s long, rise 2: the window is 2 + 1 + 2 = 5 s, recovery 2 * 2 + 1 + 2 = 7 s.
TIMING = Timing(interval=2.0, timeout=1.0, rise=2, fall=2)
PASSED, TIMEOUT, REFUSED = Reason.PASSED, Reason.TIMEOUT, Reason.REFUSED


def check(identity: str, probe: Probe | None = None) -> CheckDefinition:
    """A check of "HOST:PORT"."""
    host, _, port = identity.partition(":")
    return CheckDefinition(
        identity=identity, address=host, port=int(port), probe=probe or TcpProbe(), timing=TIMING
    )


def eyes(*identities: str) -> BlindnessTracker:
    made = BlindnessTracker()
    made.configure([check(each) for each in identities])
    return made


def show(made: BlindnessTracker, now: float, results: dict[str, Reason]) -> BlindnessTracker:
    for identity, reason in results.items():
        made.see(identity, reason, now)
    made.look(now)
    return made


A, B = "10.0.0.1:80", "10.0.0.2:80"


def test_two_hosts_that_fall_silent_together_are_this_directors_fault() -> None:
    """From the moment the first of them did."""
    made = show(eyes(A, B), 0.0, {A: PASSED, B: PASSED})
    show(made, 10.0, {A: TIMEOUT})
    assert (made.blind, made.unseen_since) == (False, None)
    show(made, 14.9, {B: Reason.UNREACHABLE})
    assert (made.blind, made.unseen_since) == (True, 10.0)


def test_hosts_that_fall_silent_one_long_after_the_other_have_gone_themselves() -> None:
    made = show(eyes(A, B), 0.0, {A: TIMEOUT, B: PASSED})
    assert not show(made, 5.1, {B: TIMEOUT}).blind


@pytest.mark.parametrize(("has_no_carrier", "blind"), [(True, True), (False, False)])
def test_one_host_that_falls_silent_is_lost_with_our_carrier(
    has_no_carrier: bool, blind: bool
) -> None:
    made = show(eyes(A), 0.0, {A: PASSED})
    made.see(A, TIMEOUT, 10.0)
    made.look(10.0, lambda _host: has_no_carrier)
    assert (made.blind, made.unseen_since) == (blind, 10.0 if blind else None)


def test_a_host_that_was_dead_before_is_not_excused_by_a_cable_that_is_pulled_now() -> None:
    """The window is 5 s."""
    made = show(eyes(A), 0.0, {A: TIMEOUT})
    made.look(5.1, lambda _host: True)
    assert not made.blind


SCRIPT = ScriptProbe(script="/bin/true")


@pytest.mark.parametrize(
    "probe",
    [
        SCRIPT,
        FileProbe(file="/run/web"),
        AllProbe(checks=(Member(probe=TcpProbe()), Member(probe=SCRIPT))),
    ],
)
@pytest.mark.parametrize("reason", [PASSED, Reason.DOWN])
def test_what_this_host_says_itself_is_no_sight_of_anything(probe: Probe, reason: Reason) -> None:
    """Of a host of its own, beside two that fall silent."""
    made = BlindnessTracker()
    own = "10.0.0.3:80"
    made.configure([check(A), check(B), check(own, probe)])
    show(made, 0.0, {A: PASSED, B: PASSED, own: PASSED})
    show(made, 10.0, {A: TIMEOUT, B: TIMEOUT, own: reason})
    assert made.blind
    show(made, 12.0, {own: PASSED})
    assert made.blind


def test_one_host_is_no_evidence_however_many_ports_it_has() -> None:
    one = ("10.0.0.1:80", "10.0.0.1:443")
    assert not show(eyes(*one), 0.0, dict.fromkeys(one, TIMEOUT)).blind


@pytest.mark.parametrize("reason", [Reason.NO_ROUTE, Reason.LOCAL_ERROR])
def test_an_error_of_our_own_is_evidence_with_one_host_too(reason: Reason) -> None:
    """ENETUNREACH, EADDRNOTAVAIL, EMFILE."""
    assert show(eyes(A), 0.0, {A: reason}).blind


@pytest.mark.parametrize(
    "reason",
    [Reason.REFUSED, Reason.RESET, Reason.TLS, Reason.PROTOCOL, Reason.STATUS, Reason.BODY],
)
def test_any_answer_proves_the_path(reason: Reason) -> None:
    """Also one that fails the check."""
    assert not show(eyes(A, B), 0.0, {A: TIMEOUT, B: reason}).blind


def test_nobody_is_blind_before_every_target_was_tried() -> None:
    made = show(eyes(A, B, "10.0.0.3:80"), 0.0, {A: TIMEOUT, B: TIMEOUT})
    assert not made.blind
    assert show(made, 1.0, {"10.0.0.3:80": TIMEOUT}).blind


def test_it_ends_with_the_first_thing_seen_and_gives_all_others_time_to_pass() -> None:
    """Two passes take 2 * 2 + 1 s, and may be told of 2 s late."""
    made = show(eyes(A, B), 10.0, {A: TIMEOUT, B: TIMEOUT})
    show(made, 60.0, {A: REFUSED})
    assert (made.blind, made.unseen_since) == (False, 10.0)
    made.look(66.9)
    assert made.unseen_since == 10.0
    made.look(67.0)
    assert made.unseen_since is None


def test_a_reload_ends_no_blindness() -> None:
    """Neither new targets nor the loss of old ones; only the loss of all."""
    made = show(eyes(A, B), 10.0, {A: TIMEOUT, B: TIMEOUT})
    made.configure([check("10.0.0.3:80"), check("10.0.0.4:80")])
    made.look(11.0)
    assert made.blind
    made.configure([])
    made.look(12.0)
    assert not made.blind


def test_a_server_that_was_dead_before_is_no_evidence_against_the_living() -> None:
    """It is silent since long; two others that go together decide."""
    dead, both = "10.0.0.9:80", {A: TIMEOUT, B: TIMEOUT}
    made = show(eyes(A, B, dead), 0.0, {A: PASSED, B: PASSED, dead: TIMEOUT})
    assert show(made, 1000.0, both).unseen_since == 1000.0


HOSTS = st.sampled_from([f"10.0.0.{n}:80" for n in range(1, 5)])
RESULTS = st.lists(
    st.tuples(st.floats(0.0, 4.0), HOSTS, st.sampled_from([PASSED, REFUSED, TIMEOUT])), max_size=30
)


@given(RESULTS)
def test_whatever_happens_nobody_is_blind_who_sees(
    results: list[tuple[float, str, Reason]],
) -> None:
    """An oracle with the last result of each: blind needs silence of all, and has a beginning."""
    made = eyes(*(f"10.0.0.{n}:80" for n in range(1, 5)))
    last: dict[str, Reason] = {}
    now = 0.0
    for later, host, reason in results:
        now += later
        last[host] = reason
        show(made, now, {host: reason})
        all_silent = len(last) == 4 and set(last.values()) == {TIMEOUT}
        assert not made.blind or all_silent
        assert not made.blind or made.unseen_since is not None
