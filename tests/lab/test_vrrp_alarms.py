"""Two routers that reject each other's advertisements are both ACTIVE, and both raise an alarm."""

from __future__ import annotations

from pathlib import Path

import pytest

from hadirector.lab.topology import Network
from tests.lab.routers import VrrpRouter
from tests.waiting import eventually

pytestmark = pytest.mark.netns


def test_another_password_makes_two_active_routers_and_both_raise_an_alarm(
    network: Network, tmp_path: Path
) -> None:
    """The alarm begins after an active-down interval, 3.6 s, and ends with a priority 0."""
    one = network.host("one", "10.99.0.1/24")
    other = network.host("other", "10.99.0.2/24")
    ours = VrrpRouter(
        one, tmp_path, "--password", "abc", priority=100, version=2, advert_interval=1
    )
    theirs = VrrpRouter(
        other, tmp_path, "--password", "abd", priority=200, version=2, advert_interval=1
    )
    ours.wait_for("ACTIVE")
    theirs.wait_for("ACTIVE")

    for router, words in (
        (ours, "this router and 10.99.0.2 (priority 200) are active at the same time"),
        (theirs, "this router and 10.99.0.1 (priority 100) are active at the same time"),
    ):
        eventually(lambda: router.status()["alarms"], 15.0, words, expected=[words])  # noqa: B023  # at once
        assert router.status()["counters"]["two_active_routers"] == 1

    theirs.stop()
    eventually(lambda: ours.status()["alarms"], 15.0, "the end of the alarm", expected=[])
    told = [each["event"] for each in ours.reports() if each["type"] == "notice"]
    assert [each for each in told if each.startswith("two_active")] == [
        "two_active_routers",
        "two_active_routers_over",
    ]
