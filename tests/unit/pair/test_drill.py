"""What the probes of a drill measure."""

from __future__ import annotations

from hadirector.pair.drill import Measurement, Probes, measure


def test_the_longest_gap_is_between_two_answered_probes() -> None:
    probes = Probes()
    for now in (1.0, 1.02, 1.04, 1.06, 1.08):
        probes.send(now)
    for number in (0, 3, 4):
        probes.answer(number)
    other = Probes([1.0], {0})
    found = measure([probes, other])
    assert (found.sent, found.lost) == (6, 2)
    assert found.longest_gap is not None
    assert round(found.longest_gap, 6) == 0.06


def test_without_replies_there_is_no_gap() -> None:
    probes = Probes()
    assert measure([probes]) == Measurement(0, 0, None)
    probes.answer(probes.send(1.0) + 1)
    assert measure([probes]) == Measurement(1, 1, None)
