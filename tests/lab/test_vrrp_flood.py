"""Floods of a host without a key delay no advertisement and cause no takeover.

`tests.benchmarks.flood` has the floods, and measures them with the bar of 10 ms.
"""

from __future__ import annotations

import pytest

from tests.benchmarks.flood import Flood, floods, measure

pytestmark = pytest.mark.netns

LATE_MS_MAX = 50.0
"""A third of the time after which the BACKUP router may take over, for a busy machine."""
PER_SECOND_MAX = 150
"""Ten advertisements a second are due, and each may be followed by ten answers."""


@pytest.mark.parametrize("flood", floods(), ids=lambda flood: flood.name)
def test_a_flood_delays_no_advertisement(flood: Flood) -> None:
    result = measure(flood, 2.0)
    assert result.flooded > 1000
    assert result.takeovers == 0
    assert result.late_ms < LATE_MS_MAX
    assert 5 < result.per_second < PER_SECOND_MAX
