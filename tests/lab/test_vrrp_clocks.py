"""auth_hmac while the wall clock of a host is stepped, and with a file that cannot be used."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hadirector.lab.topology import Network
from tests.lab.routers import VrrpRouter
from tests.waiting import eventually

pytestmark = pytest.mark.netns

# A process whose wall clock is ahead by the seconds in a file. The options of the module follow.
CLOCK = """
import pathlib, runpy, sys, time
file, sys.argv = pathlib.Path(sys.argv[1]), ["vrrp", *sys.argv[5:]]
true_time = time.time_ns
time.time_ns = lambda: true_time() + int(float(file.read_text() or "0") * 1e9)
runpy.run_module("vrrp", run_name="__main__")
"""


class Pair:
    """Two routers with the same key, each with its own clock. The first has the higher priority."""

    def __init__(self, network: Network, directory: Path) -> None:
        self.hosts = [network.host(name, f"10.99.0.{n}/24") for n, name in ((1, "a"), (2, "b"))]
        self.directory = directory
        self.key = directory / "key"
        self.key.write_bytes(bytes(32))
        self.clocks = [directory / f"clock.{number}" for number in (1, 2)]
        self.files = [directory / f"sequence.{number}" for number in (1, 2)]

    def start(self, number: int, *options: str) -> VrrpRouter:
        clock = self.clocks[number]
        if not clock.exists():
            clock.write_text("0")
        return VrrpRouter(
            self.hosts[number],
            self.directory,
            *("--hmac-key", f"7:{self.key}", "--sequence-file", str(self.files[number])),
            *options,
            priority=(200, 100)[number],
            wrapper=(sys.executable, "-c", CLOCK, str(clock)),
        )

    def set_clocks(self, *seconds: float) -> None:
        """Set the clocks, so that no process reads half of a number."""
        for clock, ahead in zip(self.clocks, seconds, strict=True):
            clock.with_suffix(".new").write_text(str(ahead))
            clock.with_suffix(".new").replace(clock)


@pytest.fixture
def pair(network: Network, tmp_path: Path) -> Pair:
    return Pair(network, tmp_path)


def states(*routers: VrrpRouter) -> list[str]:
    return [router.status()["state"] for router in routers]


def test_a_clock_that_was_ahead_for_a_moment_does_not_split_the_pair(pair: Pair) -> None:
    """It is 10 s ahead, twice the window. The pair is one again when the clock is right."""
    first = pair.start(0)
    first.wait_for("ACTIVE")
    second = pair.start(1)
    second.wait_for("BACKUP")
    pair.set_clocks(10.0, 0.0)
    second.wait_for("ACTIVE")
    clock = "the clock of 10.99.0.1 is 10.0 s ahead of the clock of this host"
    eventually(
        lambda: [alarm for alarm in second.status()["alarms"] if alarm.startswith(clock)],
        5.0,
        "the alarm with the peer and the seconds",
    )
    pair.set_clocks(0.0, 0.0)
    second.wait_for("BACKUP")
    assert states(first, second) == ["ACTIVE", "BACKUP"]
    events = [each["event"] for each in first.reports() if each["type"] == "notice"]
    assert "clock_correction_followed" in events


def test_a_clock_that_differs_within_the_window_is_an_alarm_before_it_splits_the_pair(
    pair: Pair,
) -> None:
    pair.set_clocks(4.0, 0.0)
    pair.start(0).wait_for("ACTIVE")
    second = pair.start(1)
    second.wait_for("BACKUP")
    words = "the clock of 10.99.0.1 is 4.0 s ahead of the clock of this host"
    eventually(lambda: str(second.status()["alarms"]).count(words), 5.0, "the alarm", expected=1)
    assert second.entered("ACTIVE") == 0


def test_clocks_that_were_ahead_together_do_not_split_the_pair_after_a_reboot(pair: Pair) -> None:
    pair.set_clocks(3600.0, 3600.0)
    first = pair.start(0)
    first.wait_for("ACTIVE")
    second = pair.start(1)
    second.wait_for("BACKUP")
    heard = "advertisements_received"
    eventually(lambda: second.status()["counters"].get(heard, 0) > 0, 5.0, "heard once")
    pair.set_clocks(0.0, 0.0)
    stepped = "clock_stepped_back"
    eventually(lambda: first.status()["counters"].get(stepped, 0) > 0, 5.0, "time runs on")
    assert states(first, second) == ["ACTIVE", "BACKUP"]
    second.crash()
    pair.files[1].unlink()
    second = pair.start(1)
    eventually(lambda: second.entered("ACTIVE") > 0, 5.0, "it drops what is an hour ahead")
    second.wait_for("BACKUP")
    assert states(first, second) == ["ACTIVE", "BACKUP"]


def test_a_clock_stepped_back_by_mistake_costs_nothing(pair: Pair) -> None:
    first = pair.start(0)
    first.wait_for("ACTIVE")
    second = pair.start(1)
    second.wait_for("BACKUP")
    pair.set_clocks(-3600.0, 0.0)
    sent = first.status()["counters"]["advertisements_sent"]
    eventually(
        lambda: first.status()["counters"]["advertisements_sent"] > sent + 10, 5.0, "one second"
    )
    assert second.entered("ACTIVE") == 0
    counters = second.status()["counters"]
    assert not [name for name in counters if name.startswith("dropped")]


def test_a_truncated_file_disturbs_nothing(pair: Pair) -> None:
    """Its process writes the file again."""
    first = pair.start(0)
    first.wait_for("ACTIVE")
    with pair.files[0].open("w"):
        pass
    eventually(lambda: pair.files[0].stat().st_size > 0, 5.0, "the file is written again")
    assert first.process.poll() is None
    assert states(first) == ["ACTIVE"]


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    """A tmpfs without a free page."""
    directory = tmp_path / "full"
    directory.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k,nr_inodes=16", "tmpfs", str(directory)], check=True
    )
    try:
        (directory / "ballast").write_bytes(bytes(1 << 14))
        yield directory
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=True)


def test_a_full_directory_is_reported_and_the_numbers_are_kept_when_there_is_room(
    pair: Pair, full: Path
) -> None:
    """At the start nothing can be written. The router takes part, and a pair is a pair."""
    pair.files[0] = full / "sequence"
    first = pair.start(0)
    first.wait_for("ACTIVE")
    second = pair.start(1)
    second.wait_for("BACKUP")
    assert first.status()["counters"]["sequence_not_kept"] > 0
    [notice] = [each for each in first.reports() if each.get("event") == "sequence_not_kept"]
    assert notice["fields"]["error"] == "No space left on device"
    (full / "ballast").unlink()
    eventually(lambda: (full / "sequence").stat().st_size > 0, 5.0, "the numbers are kept")
    assert second.entered("ACTIVE") == 0
