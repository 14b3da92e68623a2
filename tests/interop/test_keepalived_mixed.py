"""Three routers; the middle one is a real keepalived 2.2.7."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.routers import Keepalived, VrrpRouter, wait_for_holder

pytestmark = [pytest.mark.netns, pytest.mark.keepalived]


class Lab:
    """Hosts whose routers have the priorities 254, 250 and 1.

    At 0.3 s the skew time of the second router is 7 ms, that of the third one 299 ms.
    """

    def __init__(self, network: Network, directory: Path) -> None:
        self.first = network.host("first", "10.99.0.1/24")
        self.second = network.host("second", "10.99.0.2/24")
        self.third = network.host("third", "10.99.0.3/24")
        self._directory = directory

    def ours(self, host: Host) -> VrrpRouter:
        priority = 254 if host is self.first else 1
        return VrrpRouter(host, self._directory, priority=priority, advert_interval=0.3)

    def keepalived(self) -> Keepalived:
        return Keepalived(self.second, self._directory, priority=250, advert_interval=0.3)

    def wait_for_holder(self, host: Host) -> None:
        wait_for_holder((self.first, self.second, self.third), host)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with Network() as network:
        yield Lab(network, tmp_path)


def test_the_address_goes_down_the_priorities_and_up_again(lab: Lab) -> None:
    """From ours to keepalived to ours, and back as each returns."""
    third = lab.ours(lab.third)
    keepalived = lab.keepalived()
    first = lab.ours(lab.first)
    first.wait_for("ACTIVE")
    keepalived.wait_for_backup()
    lab.wait_for_holder(lab.first)
    first.stop()
    lab.wait_for_holder(lab.second)
    keepalived.stop()
    assert third.wait_for("ACTIVE")["reason"] == "the active router sent priority 0"
    lab.wait_for_holder(lab.third)
    lab.keepalived()
    lab.wait_for_holder(lab.second)
    lab.ours(lab.first).wait_for("ACTIVE")
    lab.wait_for_holder(lab.first)


def test_when_the_first_crashes_the_third_stays_quiet(lab: Lab) -> None:
    """Keepalived's skew time is shorter than the third's, so its advertisement comes first."""
    first = lab.ours(lab.first)
    first.wait_for("ACTIVE")
    third = lab.ours(lab.third)
    third.wait_for("BACKUP")
    lab.keepalived().wait_for_backup()
    lab.wait_for_holder(lab.first)
    first.crash()
    lab.wait_for_holder(lab.second)
    assert third.entered("ACTIVE") == 0
    assert third.status()["active_router"] == "10.99.0.2"
