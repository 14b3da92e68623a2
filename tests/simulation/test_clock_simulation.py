"""Directors with auth_hmac whose clocks step, drift and are corrected, with reboots and replays.

The promises are in `clocks.py`.
"""

from __future__ import annotations

import pytest

from tests.simulation.clocks import ClockCourse
from tests.simulation.test_vrrp_simulation import to_see_again

SEEDS = 100
BLOCKS = 10


@pytest.mark.parametrize("block", range(BLOCKS))
def test_right_clocks_lead_to_one_active_router_and_no_replay_is_accepted(block: int) -> None:
    for seed in range(block, SEEDS, BLOCKS):
        with to_see_again(seed, " WORLD=clocks"):
            ClockCourse(seed).run()
