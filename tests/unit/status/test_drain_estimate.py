"""When a drain has no connections left."""

from __future__ import annotations

from hadirector.status.drain_estimate import DrainEstimate


def estimate(*samples: tuple[float, int]) -> DrainEstimate:
    made = DrainEstimate()
    for at, connections in samples:
        made.add(at, connections)
    return made


def test_the_rate_of_the_samples_gives_the_time() -> None:
    """60 of 412 connections ended in 30 s: 2 per second, and 352 are left."""
    found = estimate((100.0, 412), (110.0, 400), (130.0, 352))
    assert (found.first, found.left, found.rate, found.seconds_left) == (412, 352, 2.0, 176.0)


def test_too_few_samples_give_no_time() -> None:
    assert (estimate().rate, estimate().left) == (None, 0)
    early = estimate((100.0, 412), (102.9, 400))
    assert (early.rate, early.seconds_left) == (None, None)


def test_connections_that_do_not_end_give_no_time() -> None:
    stuck = estimate((100.0, 3), (130.0, 3))
    assert (stuck.rate, stuck.seconds_left) == (0.0, None)
    grown = estimate((100.0, 3), (130.0, 5))
    assert (grown.first, grown.rate, grown.seconds_left) == (5, 0.0, None)


def test_the_last_minute_decides() -> None:
    """Nothing ended in the first 100 s; 30 connections ended in the last 60 s."""
    found = estimate((0.0, 90), (100.0, 90), (160.0, 60))
    assert (found.rate, found.seconds_left) == (0.5, 120.0)


def test_without_connections_the_drain_is_over() -> None:
    assert estimate((100.0, 3), (130.0, 0)).seconds_left == 0.0
