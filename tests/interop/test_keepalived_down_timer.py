"""Five silent intervals instead of three, on our side and in a real keepalived 2.2.7."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.routers import VIRTUAL_ADDRESS, Keepalived, Listener, VrrpRouter
from tests.waiting import eventually

pytestmark = [pytest.mark.netns, pytest.mark.keepalived]

OURS, THEIRS = "10.99.0.1", "10.99.0.2"
DOWN_100 = 0.5609  # five intervals of 0.1 s, and a skew time of 156/256 of an interval
SLACK = 0.05
OPTIONS = ("--down-timer-adverts", "5")


class Lab(NamedTuple):
    ours: Host
    theirs: Host
    listener: Listener


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Network() as network:
        ours, theirs = network.host("ours", f"{OURS}/24"), network.host("theirs", f"{THEIRS}/24")
        with Listener(network.host("third", "10.99.0.3/24")) as listener:
            yield Lab(ours, theirs, listener)


def keepalived(lab: Lab, directory: Path, priority: int) -> Keepalived:
    return Keepalived(lab.theirs, directory, priority=priority, extra="down_timer_adverts 5")


def gap(lab: Lab, before: str, after: str) -> float:
    """Wait for the router ``after``; return the time from the last advertisement before it."""

    def times(source: str) -> list[float]:
        return [each.at for each in lab.listener.heard() if each.source == source]

    eventually(lambda: times(after), 5.0, f"an advertisement of {after}")
    return times(after)[0] - times(before)[-1]


def test_we_wait_for_five_intervals_after_a_crash_of_keepalived(lab: Lab, tmp_path: Path) -> None:
    peer = keepalived(lab, tmp_path, 200)
    eventually(lambda: lab.theirs.holds(VIRTUAL_ADDRESS), 10.0, "keepalived ACTIVE")
    router = VrrpRouter(lab.ours, tmp_path, *OPTIONS, priority=100)
    router.wait_for("BACKUP")
    time.sleep(0.2)
    status = router.status()
    assert status["down_timer_adverts"] == 5
    assert status["active_down_interval"] == pytest.approx(0.5609375)
    peer.crash()
    assert DOWN_100 - 0.001 <= gap(lab, THEIRS, OURS) <= DOWN_100 + SLACK


def test_keepalived_waits_as_long_after_a_crash_of_ours(lab: Lab, tmp_path: Path) -> None:
    router = VrrpRouter(lab.ours, tmp_path, *OPTIONS, priority=200)
    router.wait_for("ACTIVE")
    keepalived(lab, tmp_path, 100).wait_for_backup()
    time.sleep(0.2)
    router.crash()
    assert DOWN_100 - 0.001 <= gap(lab, OURS, THEIRS) <= DOWN_100 + SLACK


def test_a_pause_of_four_intervals_changes_nothing(lab: Lab, tmp_path: Path) -> None:
    """With three intervals, keepalived takes over after 0.361 s and our router listens first."""
    router = VrrpRouter(lab.ours, tmp_path, *OPTIONS, priority=200)
    router.wait_for("ACTIVE")
    peer = keepalived(lab, tmp_path, 100)
    peer.wait_for_backup()
    time.sleep(0.2)
    router.process.send_signal(signal.SIGSTOP)
    time.sleep(0.4)
    router.process.send_signal(signal.SIGCONT)
    time.sleep(0.8)
    assert (peer.entered("ACTIVE"), len(router.became("BACKUP"))) == (0, 1)


def test_the_addresses_live_as_long(lab: Lab, tmp_path: Path) -> None:
    """At an interval of 1 s: ten intervals, a skew time of one, and the renewal."""
    options = ("--down-timer-adverts", "10", "--resume")
    VrrpRouter(lab.ours, tmp_path, *options, advert_interval=1.0).wait_for("ACTIVE")
    shown = lab.ours.run("ip", "-oneline", "address", "show", "dev", "eth0").stdout
    [seconds] = re.findall(rf"{VIRTUAL_ADDRESS}/32 .* valid_lft (\d+)sec", shown)
    assert 11 <= int(seconds) <= 12
