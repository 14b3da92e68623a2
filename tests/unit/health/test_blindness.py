"""When a director that receives no answer takes that for its own fault."""

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


def tracker(*identities: str) -> BlindnessTracker:
    made = BlindnessTracker()
    made.configure([check(identity) for identity in identities])
    return made


def observe(made: BlindnessTracker, now: float, results: dict[str, Reason]) -> BlindnessTracker:
    for identity, reason in results.items():
        made.observe(identity, reason, now)
    made.evaluate(now)
    return made


A, B = "10.0.0.1:80", "10.0.0.2:80"


def test_two_hosts_that_fall_silent_together_make_the_director_blind() -> None:
    """From the moment when the first host fell silent."""
    made = observe(tracker(A, B), 0.0, {A: PASSED, B: PASSED})
    observe(made, 10.0, {A: TIMEOUT})
    assert (made.blind, made.unseen_since) == (False, None)
    observe(made, 14.9, {B: Reason.UNREACHABLE})
    assert (made.blind, made.unseen_since) == (True, 10.0)


def test_hosts_that_fall_silent_far_apart_in_time_have_failed() -> None:
    made = observe(tracker(A, B), 0.0, {A: TIMEOUT, B: PASSED})
    assert not observe(made, 5.1, {B: TIMEOUT}).blind


@pytest.mark.parametrize(("has_no_carrier", "blind"), [(True, True), (False, False)])
def test_one_silent_host_makes_the_director_blind_if_its_interface_has_no_carrier(
    has_no_carrier: bool, blind: bool
) -> None:
    made = observe(tracker(A), 0.0, {A: PASSED})
    made.observe(A, TIMEOUT, 10.0)
    made.evaluate(10.0, lambda _host: has_no_carrier)
    assert (made.blind, made.unseen_since) == (blind, 10.0 if blind else None)


def test_a_cable_that_is_pulled_now_does_not_explain_an_older_failure() -> None:
    """The window is 5 s."""
    made = observe(tracker(A), 0.0, {A: TIMEOUT})
    made.evaluate(5.1, lambda _host: True)
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
def test_results_of_scripts_and_files_are_no_evidence(probe: Probe, reason: Reason) -> None:
    """The script or file check has a host of its own, and two other hosts fall silent."""
    made = BlindnessTracker()
    own = "10.0.0.3:80"
    made.configure([check(A), check(B), check(own, probe)])
    observe(made, 0.0, {A: PASSED, B: PASSED, own: PASSED})
    observe(made, 10.0, {A: TIMEOUT, B: TIMEOUT, own: reason})
    assert made.blind
    observe(made, 12.0, {own: PASSED})
    assert made.blind


def test_one_host_is_no_evidence_with_any_number_of_ports() -> None:
    one = ("10.0.0.1:80", "10.0.0.1:443")
    assert not observe(tracker(*one), 0.0, dict.fromkeys(one, TIMEOUT)).blind


@pytest.mark.parametrize("reason", [Reason.NO_ROUTE, Reason.LOCAL_ERROR])
def test_an_error_of_this_host_is_evidence_even_with_one_target(reason: Reason) -> None:
    """ENETUNREACH, EADDRNOTAVAIL, EMFILE."""
    assert observe(tracker(A), 0.0, {A: reason}).blind


@pytest.mark.parametrize(
    "reason",
    [Reason.REFUSED, Reason.RESET, Reason.TLS, Reason.PROTOCOL, Reason.STATUS, Reason.BODY],
)
def test_any_answer_proves_the_path(reason: Reason) -> None:
    """Even an answer that fails the check."""
    assert not observe(tracker(A, B), 0.0, {A: TIMEOUT, B: reason}).blind


def test_the_director_is_not_blind_before_every_target_has_a_result() -> None:
    made = observe(tracker(A, B, "10.0.0.3:80"), 0.0, {A: TIMEOUT, B: TIMEOUT})
    assert not made.blind
    assert observe(made, 1.0, {"10.0.0.3:80": TIMEOUT}).blind


def test_blindness_ends_with_the_first_answer_and_leaves_the_others_time_to_pass() -> None:
    """Two passes take 2 * 2 + 1 s, and their report may be 2 s late."""
    made = observe(tracker(A, B), 10.0, {A: TIMEOUT, B: TIMEOUT})
    observe(made, 60.0, {A: REFUSED})
    assert (made.blind, made.unseen_since) == (False, 10.0)
    made.evaluate(66.9)
    assert made.unseen_since == 10.0
    made.evaluate(67.0)
    assert made.unseen_since is None


def test_a_reload_does_not_end_blindness() -> None:
    """Added and removed targets do not, unless no target is left."""
    made = observe(tracker(A, B), 10.0, {A: TIMEOUT, B: TIMEOUT})
    made.configure([check("10.0.0.3:80"), check("10.0.0.4:80")])
    made.evaluate(11.0)
    assert made.blind
    made.configure([])
    made.evaluate(12.0)
    assert not made.blind


def test_a_server_that_failed_long_ago_does_not_hide_blindness() -> None:
    """Two other servers that fall silent together decide."""
    dead, both = "10.0.0.9:80", {A: TIMEOUT, B: TIMEOUT}
    made = observe(tracker(A, B, dead), 0.0, {A: PASSED, B: PASSED, dead: TIMEOUT})
    assert observe(made, 1000.0, both).unseen_since == 1000.0


HOSTS = st.sampled_from([f"10.0.0.{n}:80" for n in range(1, 5)])
RESULTS = st.lists(
    st.tuples(st.floats(0.0, 4.0), HOSTS, st.sampled_from([PASSED, REFUSED, TIMEOUT])), max_size=30
)


@given(RESULTS)
def test_the_director_is_never_blind_while_a_target_answers(
    results: list[tuple[float, str, Reason]],
) -> None:
    """The latest results are the oracle: blindness requires that all targets are silent."""
    made = tracker(*(f"10.0.0.{n}:80" for n in range(1, 5)))
    last: dict[str, Reason] = {}
    now = 0.0
    for later, host, reason in results:
        now += later
        last[host] = reason
        observe(made, now, {host: reason})
        all_silent = len(last) == 4 and set(last.values()) == {TIMEOUT}
        assert not made.blind or all_silent
        assert not made.blind or made.unseen_since is not None


def test_a_second_blindness_still_excuses_the_targets_that_failed_in_the_first() -> None:
    """It begins before they have had the time to pass again, 7 s after the first answer."""
    made = observe(tracker(A, B), 0.0, {A: PASSED, B: PASSED})
    observe(made, 10.0, {A: TIMEOUT, B: TIMEOUT})
    observe(made, 12.0, {B: PASSED})
    assert (made.blind, made.unseen_since) == (False, 10.0)
    observe(made, 14.0, {B: Reason.LOCAL_ERROR})
    assert (made.blind, made.unseen_since) == (True, 10.0)
