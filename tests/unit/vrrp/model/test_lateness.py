"""The histogram of late advertisements."""

from __future__ import annotations

from vrrp.model.lateness import Lateness


def test_each_advertisement_is_in_the_first_bucket_that_bounds_it() -> None:
    """A bound belongs to its bucket. A value above all bounds belongs to the last bucket."""
    lateness = Lateness()
    for seconds in (0.00005, 0.0001, 0.00011, 0.0019, 0.002, 7.5):
        lateness.note(seconds)
    taken = lateness.snapshot()
    assert taken.bounds[:5] == (0.0001, 0.0002, 0.0005, 0.001, 0.002)
    assert taken.counts == (2, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 1)
    assert taken.longest == 7.5
    assert round(taken.total, 5) == 7.50416


def test_an_early_timer_was_not_late() -> None:
    """The event loop may run a timer early by the resolution of its clock."""
    lateness = Lateness()
    lateness.note(-0.000001)
    taken = lateness.snapshot()
    assert taken.counts[0] == 1
    assert taken.longest == 0.0
    assert taken.total == 0.0
