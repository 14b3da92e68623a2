"""What hints cause: few probes, quick ones, none for targets that close idle connections."""

import math

import pytest

from checks.definition.result import Reason, Verdict
from checks.idle_connection.hint import asks_again, gap_after, is_heard


def test_only_a_hint_of_a_passing_target_causes_a_probe() -> None:
    assert is_heard(Verdict.PASSING, -math.inf, 100.0)
    assert not is_heard(Verdict.FAILING, -math.inf, 100.0)
    assert not is_heard(Verdict.UNKNOWN, -math.inf, 100.0)


@pytest.mark.parametrize(("now", "heard"), [(100.0, False), (100.19, False), (100.21, True)])
def test_hints_in_a_row_are_dropped(now: float, heard: bool) -> None:
    """The one before was heard at 100 s."""
    assert is_heard(Verdict.PASSING, 100.0, now) is heard


@pytest.mark.parametrize("reason", Reason)
def test_only_a_refusal_or_a_reset_is_asked_for_again_at_once(reason: Reason) -> None:
    again = reason in {Reason.REFUSED, Reason.RESET}
    assert asks_again(Verdict.PASSING, reason) is again
    assert not asks_again(Verdict.FAILING, reason)


def test_a_target_that_ends_connections_at_once_is_left_alone_ever_longer() -> None:
    gaps = [0.0]
    for _ in range(8):
        gaps.append(gap_after(0.001, gaps[-1]))
    assert gaps == [0, 1, 2, 4, 8, 16, 32, 60, 60]


def test_a_target_that_ends_idle_connections_gets_the_next_one_soon() -> None:
    assert gap_after(5.0, 0.0) == 0.0
    assert gap_after(5.0, 32.0) == 0.0
