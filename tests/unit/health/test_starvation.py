"""When a checks worker counts as starved."""

from __future__ import annotations

from hadirector.health.starvation import Starvation
from hadirector.processes.messages import CheckStatistics


def statistics(running: float, unattended: float) -> CheckStatistics:
    return CheckStatistics(0, 0, {}, running=running, unattended=unattended)


def test_a_worker_is_starved_from_a_quarter_of_the_time_and_recovers_below_a_tenth() -> None:
    starvation = Starvation()
    assert starvation.note("checks", statistics(5.0, 1.0)) is None
    assert starvation.note("checks", statistics(10.0, 2.5)) == 0.3
    assert starvation.starved == {"checks"}
    assert starvation.note("checks", statistics(15.0, 3.5)) is None  # 0.2
    assert starvation.note("checks", statistics(20.0, 3.75)) == 0.05
    assert starvation.starved == set()


def test_one_long_pass_does_not_make_a_worker_starved() -> None:
    """A large configuration takes one pass of a second."""
    starvation = Starvation()
    assert starvation.note("checks", statistics(1.0, 0.9)) is None
    assert starvation.note("checks", statistics(5.0, 0.9)) is None
    assert starvation.starved == set()


def test_the_time_of_a_restarted_worker_counts_from_its_start() -> None:
    starvation = Starvation()
    starvation.note("checks", statistics(100.0, 90.0))
    assert starvation.starved == {"checks"}
    starvation.note("checks", statistics(2.0, 0.0))
    assert starvation.note("checks", statistics(6.0, 0.0)) == 0.0
    assert starvation.starved == set()


def test_a_removed_worker_is_forgotten() -> None:
    starvation = Starvation()
    starvation.note("checks 2", statistics(100.0, 90.0))
    starvation.forget("checks 2")
    assert starvation.starved == set()
