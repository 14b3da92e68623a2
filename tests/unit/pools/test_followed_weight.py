"""How a target's weight follows what it asks for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.scheduling.weight import followed


@pytest.mark.parametrize(
    ("had", "asked", "step", "has"),
    [
        (100, 20, None, 20),
        (None, 20, 30, 70),
        (40, 20, 30, 20),
        (20, 100, 30, 50),
        (80, None, 30, None),
        (20, None, 30, 50),
        (100, 0, 30, 0),
        (0, 100, 30, 30),
        (None, None, 30, None),
        (100, 150, 30, 130),
    ],
)
def test_a_weight_moves_by_its_step_and_to_0_at_once(
    had: int | None, asked: int | None, step: int | None, has: int | None
) -> None:
    """Who asks for nothing has 100 %."""
    assert followed(had, asked, step) == has


PERCENT = st.integers(0, 256) | st.none()


@given(PERCENT, PERCENT, st.integers(1, 100))
def test_it_gets_there_and_no_move_is_longer_than_the_step(
    had: int | None, asked: int | None, step: int
) -> None:
    for _ in range(256):
        before, had = had, followed(had, asked, step)
        moved = abs((100 if had is None else had) - (100 if before is None else before))
        assert moved <= step or asked == 0
    assert had == asked
