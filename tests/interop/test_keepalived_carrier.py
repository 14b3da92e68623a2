"""A cable between two routers that ignore their carrier, with a real keepalived 2.2.7."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from hadirector.lab.topology import Network
from tests.lab.routers import VIRTUAL_ADDRESS, Keepalived, VrrpRouter, wait_for_holder

pytestmark = [pytest.mark.netns, pytest.mark.keepalived]


@pytest.mark.parametrize("ours_wins", [True, False])
def test_both_are_active_without_a_cable_and_one_when_it_is_back(
    tmp_path: Path, *, ours_wins: bool
) -> None:
    """The option of keepalived is `dont_track_primary`. The higher priority stays ACTIVE."""
    with Network() as network:
        ours, theirs = network.host("ours", "10.99.0.1/24"), network.host("theirs", "10.99.0.2/24")
        priorities = (200, 100) if ours_wins else (100, 200)
        winner = ours if ours_wins else theirs
        Keepalived(theirs, tmp_path, priority=priorities[1], extra="dont_track_primary")
        router = VrrpRouter(ours, tmp_path, "--ignore-carrier", priority=priorities[0])
        wait_for_holder((ours, theirs), winner)
        ours.link_down()
        theirs.link_down()
        time.sleep(1.0)
        assert (ours.holds(VIRTUAL_ADDRESS), theirs.holds(VIRTUAL_ADDRESS)) == (True, True)
        assert router.status()["fault"] is None
        ours.link_up()
        theirs.link_up()
        wait_for_holder((ours, theirs), winner)
