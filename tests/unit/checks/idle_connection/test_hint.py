"""Hints cause few and quick probes, and no new connections to targets that close idle ones."""

import math

import pytest

from checks.definition.result import Reason, Verdict
from checks.idle_connection.hint import causes_probe, reconnect_delay, repeat_at_once


def test_only_a_hint_for_a_passing_target_causes_a_probe() -> None:
    assert causes_probe(Verdict.PASSING, -math.inf, 100.0)
    assert not causes_probe(Verdict.FAILING, -math.inf, 100.0)
    assert not causes_probe(Verdict.UNKNOWN, -math.inf, 100.0)


@pytest.mark.parametrize(("now", "expected"), [(100.0, False), (100.19, False), (100.21, True)])
def test_hints_in_quick_succession_are_dropped(now: float, expected: bool) -> None:
    """The hint before came at 100 s."""
    assert causes_probe(Verdict.PASSING, 100.0, now) is expected


@pytest.mark.parametrize("reason", Reason)
def test_a_probe_is_repeated_at_once_only_after_a_refusal_or_a_reset(reason: Reason) -> None:
    expected = reason in {Reason.REFUSED, Reason.RESET}
    assert repeat_at_once(Verdict.PASSING, reason) is expected
    assert not repeat_at_once(Verdict.FAILING, reason)


def test_the_delay_grows_while_a_target_closes_connections_at_once() -> None:
    delays = [0.0]
    for _ in range(8):
        delays.append(reconnect_delay(0.001, delays[-1]))
    assert delays == [0, 1, 2, 4, 8, 16, 32, 60, 60]


def test_there_is_no_delay_after_a_connection_that_lasted() -> None:
    assert reconnect_delay(5.0, 0.0) == 0.0
    assert reconnect_delay(5.0, 32.0) == 0.0
