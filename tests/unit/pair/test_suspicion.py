"""Suspicions: when a director sends them, and what those of a peer may cause."""

from __future__ import annotations

from hadirector.model.ipvs import DestinationKey
from hadirector.pair.state import Suspicions
from hadirector.pair.suspicion import (
    Heard,
    Sent,
    Suspect,
    current_suspicions,
    hear,
    probe_rate,
    suspect,
)
from tests.builders import a_check

ONE = a_check(DestinationKey("192.0.2.45", 80))
TWO = a_check(DestinationKey("192.0.2.46", 80))
OTHER_PORT = a_check(DestinationKey("192.0.2.45", 443))


def test_a_failed_probe_of_a_passing_target_is_sent_for_five_seconds() -> None:
    sent = suspect(Sent(), ONE, targets=10, blind=False, now=100.0)
    assert sent == Sent(1, (Suspect(ONE.identity, "192.0.2.45", 100.0, 1),))
    assert current_suspicions(sent, 104.9) == Suspicions(1, (ONE.identity,))
    assert current_suspicions(sent, 105.0) == Suspicions(1, ())


def test_a_suspect_target_is_not_sent_again() -> None:
    sent = suspect(Sent(), ONE, targets=10, blind=False, now=100.0)
    assert suspect(sent, ONE, targets=10, blind=False, now=104.9) is sent
    assert suspect(sent, ONE, targets=10, blind=False, now=105.0).number == 2


def test_a_blind_director_sends_no_suspicion() -> None:
    sent = suspect(Sent(), ONE, targets=10, blind=True, now=100.0)
    assert current_suspicions(sent, 100.0) == Suspicions()


def test_more_suspects_than_one_percent_are_not_sent() -> None:
    """With 199 targets, one may be suspect. With 200, two may be."""
    one = suspect(Sent(), ONE, targets=200, blind=False, now=100.0)
    assert suspect(one, TWO, targets=200, blind=False, now=101.0).number == 2
    both = suspect(one, TWO, targets=199, blind=False, now=101.0)
    assert current_suspicions(both, 101.0) == Suspicions(1, (ONE.identity,))
    # The first is no longer suspect.
    assert suspect(both, ONE, targets=199, blind=False, now=107.0).number == 2


def test_all_targets_of_one_address_may_be_suspect() -> None:
    one = suspect(Sent(), ONE, targets=3, blind=False, now=100.0)
    assert suspect(one, OTHER_PORT, targets=3, blind=False, now=101.0).number == 2


def test_the_number_of_suspects_is_limited() -> None:
    """A thousand is one percent of 100,000 targets."""
    many = tuple(Suspect(f"{number}", "192.0.2.1", 100.0, 0) for number in range(1000))
    full = Sent(7, many)
    assert suspect(full, ONE, targets=200_000, blind=False, now=101.0) is full


KNOWN = frozenset({"a", "b", "c"})


def test_a_new_suspicion_of_a_peer_causes_one_probe() -> None:
    heard, targets = hear(Heard(), "x", Suspicions(4, ("a",)), KNOWN, probe_rate=10.0, now=100.0)
    assert targets == ()
    heard, targets = hear(
        heard, "x", Suspicions(6, ("a", "b", "c")), KNOWN, probe_rate=10.0, now=101.0
    )
    assert targets == ("b", "c")
    heard, targets = hear(
        heard, "x", Suspicions(6, ("a", "b", "c")), KNOWN, probe_rate=10.0, now=102.0
    )
    assert targets == ()


def test_the_first_state_after_a_start_of_the_peer_causes_no_probe() -> None:
    heard, _ = hear(Heard(), "x", Suspicions(4, ()), KNOWN, probe_rate=10.0, now=100.0)
    heard, targets = hear(heard, "y", Suspicions(1, ("a",)), KNOWN, probe_rate=10.0, now=101.0)
    assert targets == ()
    assert hear(heard, "y", Suspicions(2, ("a", "b")), KNOWN, probe_rate=10.0, now=102.0)[1] == (
        "b",
    )


def test_unknown_and_repeated_targets_cause_no_probe() -> None:
    heard, _ = hear(Heard(), "x", Suspicions(), KNOWN, probe_rate=10.0, now=100.0)
    targets = ("unknown", "a", "a", "a")
    assert hear(heard, "x", Suspicions(9, targets), KNOWN, probe_rate=10.0, now=101.0)[1] == ("a",)


def test_a_lying_peer_adds_at_most_a_tenth_of_the_probes_in_a_minute() -> None:
    """100 regular probes per second make 6000 probes in a minute."""
    known = {f"t{number}" for number in range(1000)}
    lies = tuple(sorted(known))[:100]
    heard, probes = Heard("x", 0, None, 100.0), 0
    for step in range(2400):
        number = (step + 1) * 100
        heard, targets = hear(
            heard, "x", Suspicions(number, lies), known, probe_rate=100.0, now=100.0 + step / 40
        )
        probes += len(targets)
    assert probes == 529
    assert heard.refused == 240_000 - 529


def test_a_peer_causes_at_most_fifty_probes_in_a_second() -> None:
    known = {f"t{number}" for number in range(100)}
    lies = tuple(sorted(known))
    heard, targets = hear(
        Heard("x"), "x", Suspicions(100, lies), known, probe_rate=50_000.0, now=100.0
    )
    assert len(targets) == 50
    assert (
        len(hear(heard, "x", Suspicions(200, lies), known, probe_rate=50_000.0, now=100.5)[1]) == 25
    )


def test_the_rate_of_probes_is_that_of_the_intervals() -> None:
    assert probe_rate({"a": ONE, "b": TWO}) == 2 / ONE.timing.interval
