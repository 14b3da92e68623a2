"""The weight of a target follows the weight that it requests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.scheduling.weight import step_weight


@pytest.mark.parametrize(
    ("current", "requested", "step", "expected"),
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
    current: int | None, requested: int | None, step: int | None, expected: int | None
) -> None:
    """A target that requests no weight has 100 %."""
    assert step_weight(current, requested, step) == expected


PERCENT = st.integers(0, 256) | st.none()


@given(PERCENT, PERCENT, st.integers(1, 100))
def test_it_reaches_the_request_and_no_move_is_longer_than_the_step(
    current: int | None, requested: int | None, step: int
) -> None:
    for _ in range(256):
        before, current = current, step_weight(current, requested, step)
        moved = abs((100 if current is None else current) - (100 if before is None else before))
        assert moved <= step or requested == 0
    assert current == requested
