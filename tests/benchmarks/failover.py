"""The failover benchmark: how long a client gets no answer, hadirector beside keepalived.

``python -m tests.benchmarks.failover [--runs N] [--intervals S ...] [--events NAME ...]``, as root.
Each event strikes the ACTIVE router of a pair. It strikes both sides in turn, at the same moment
between two advertisements. A prober measures the time without an answer. Exit 1 when a bar is
missed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyroute2 import IPRoute, netns

from hadirector.lab.topology import Host, Network
from tests.benchmarks.pairs import ComparedRouter, Director, KeepalivedRouter, Kind, Pair, build
from tests.benchmarks.table import Bar, Measured, render, verdict
from tests.lab.routers import VIRTUAL_ADDRESS, Listener
from tests.waiting import eventually

SETTLE_SECONDS = 0.3
AFTERMATH_SECONDS = 1.2
"""Seconds to probe beyond the protocol's bound."""

SIDES: dict[str, tuple[Kind, Kind]] = {
    "keepalived": (KeepalivedRouter, KeepalivedRouter),
    "hadirector": (Director, Director),
}
MIXED: dict[str, tuple[Kind, Kind]] = {"hadirector to keepalived": (Director, KeepalivedRouter)}


class Cable:
    """Cuts a host's cable at once, without a new process."""

    def __init__(self, host: Host) -> None:
        netns.pushns(host.bridge_namespace)
        try:
            self._netlink = IPRoute()
        finally:
            netns.popns()
        [self._index] = self._netlink.link_lookup(ifname=host.name)

    def cut(self) -> None:
        """Take the carrier from the host."""
        self._netlink.link("set", index=self._index, state="down")

    def close(self) -> None:
        """Close the socket; the cable stays as it is."""
        self._netlink.close()


@dataclass(frozen=True)
class Event:
    """What strikes the ACTIVE router, how it recovers, and the bar.

    ``intervals`` is the protocol's bound for a new ACTIVE router, in advertisement intervals.
    """

    name: str
    strike: Callable[[ComparedRouter, Cable], None]
    recover: Callable[[ComparedRouter], None]
    intervals: float
    bar: Bar


def lose_power(router: ComparedRouter, cable: Cable) -> None:
    """Cut the cable, then kill: a host without power does not close its sockets."""
    cable.cut()
    router.host.kill_processes()


def boot(router: ComparedRouter) -> None:
    router.host.lose_power()
    router.host.gain_power()
    router.start()


def kill(router: ComparedRouter, _cable: Cable) -> None:
    for pid in router.host.pids():
        os.kill(pid, signal.SIGKILL)


def start_again(router: ComparedRouter) -> None:
    router.host.kill_processes()
    router.start()


def cut_cable(_router: ComparedRouter, cable: Cable) -> None:
    cable.cut()


def mend_cable(router: ComparedRouter) -> None:
    router.host.link_up()


def stop(router: ComparedRouter, _cable: Cable) -> None:
    router.terminate()


def start_after_stop(router: ComparedRouter) -> None:
    router.finish()
    router.start()


def hand_over(router: ComparedRouter, _cable: Cable) -> None:
    router.hand_over()


def take_part_again(router: ComparedRouter) -> None:
    router.take_part_again()


def restart(router: ComparedRouter, _cable: Cable) -> None:
    router.restart()


def leave_alone(_router: ComparedRouter) -> None:
    """Do nothing: the router recovers without help."""


EVENTS = (
    Event("crash: power lost", lose_power, boot, 4.0, Bar.AS_KEEPALIVED),
    Event("crash: processes killed", kill, start_again, 4.0, Bar.AS_KEEPALIVED),
    Event("link down", cut_cable, mend_cable, 4.0, Bar.AS_KEEPALIVED),
    Event("graceful stop", stop, start_after_stop, 2.0, Bar.NOTHING_LOST),
    Event("planned handover", hand_over, take_part_again, 4.0, Bar.NOTHING_LOST),
    Event("restart", restart, leave_alone, 4.0, Bar.NOTHING_LOST),
)
LEAVING = ("graceful stop", "planned handover")


@contextlib.contextmanager
def probing(client: Host) -> Iterator[subprocess.Popen[str]]:
    """Probe the virtual address during the block; `result_of` reads the result."""
    process = client.start(
        sys.executable, "-m", "tests.lab.prober", VIRTUAL_ADDRESS, output=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    try:
        yield process
    finally:
        client.stop(process)


def result_of(process: subprocess.Popen[str]) -> dict[str, float]:
    """Stop a prober and return its result."""
    process.terminate()
    assert process.stdout is not None
    result: dict[str, float] = json.loads(process.stdout.readline())
    return result


def wait_for_phase(client: Host, source: str, seconds: float) -> None:
    """Return ``seconds`` after an advertisement of ``source``."""
    with Listener(client) as listener:
        begin = time.monotonic()

        def heard() -> list[float]:
            return [each.at for each in listener.heard() if each.source == source]

        eventually(heard, 10.0, f"an advertisement of {source} after {begin}")
        time.sleep(max(0.0, heard()[-1] + seconds - time.monotonic()))


def measure(pair: Pair, event: Event, interval: float, phase: float) -> dict[str, float]:
    """Strike the ACTIVE router ``phase`` seconds after an advertisement; return the result."""
    active, standby = pair.roles()
    source = active.host.addresses[0].partition("/")[0]
    backups = active.backups()
    cable = Cable(active.host)
    with contextlib.closing(cable), probing(pair.client) as prober:
        time.sleep(SETTLE_SECONDS)
        wait_for_phase(pair.client, source, phase)
        event.strike(active, cable)
        time.sleep(event.intervals * interval + AFTERMATH_SECONDS)
        result = result_of(prober)
    event.recover(active)
    if standby.host.holds(VIRTUAL_ADDRESS):
        eventually(lambda: active.backups() > backups, 30.0, f"{active.host.namespace} BACKUP")
    pair.settle()
    return result


def return_role(pair: Pair) -> None:
    """Make the first router of a mixed pair ACTIVE again, without a measurement."""
    first, second = pair.routers
    if pair.roles()[0] is first:
        return
    backups = second.backups()
    second.terminate()
    second.finish()
    eventually(lambda: first.host.holds(VIRTUAL_ADDRESS), 30.0, "the first router ACTIVE")
    second.start()
    eventually(lambda: second.backups() > backups, 30.0, "the second router BACKUP")


def measure_interval(
    interval: float,
    events: Sequence[Event],
    runs: int,
    directory: Path,
    sides: Mapping[str, tuple[Kind, Kind]],
) -> Iterator[Measured]:
    """Measure each event ``runs`` times at one advertisement interval, the sides in turn."""
    with contextlib.ExitStack() as stack:
        pairs = {
            side: build(stack.enter_context(Network()), directory / str(number), kinds, interval)
            for number, (side, kinds) in enumerate(sides.items())
        }
        for event in events:
            for run in range(runs):
                phase = (run + 0.5) / runs * interval
                for side, pair in pairs.items():
                    if side in MIXED and event.name not in LEAVING:
                        continue
                    result = measure(pair, event, interval, phase)
                    yield Measured(event.name, event.bar, interval, side, result["lost_ms"])
                    if side in MIXED:
                        return_role(pair)


def strike_in_time() -> None:
    """Schedule this process in real time, and the processes that it starts as usual."""
    policy = os.SCHED_FIFO | os.SCHED_RESET_ON_FORK
    os.sched_setscheduler(0, policy, os.sched_param(10))


def main() -> int:
    """Measure and print the table; return 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--intervals", type=float, nargs="+", default=[1.0, 0.1, 0.01])
    names = [event.name for event in EVENTS]
    parser.add_argument("--events", nargs="+", choices=names, default=names, metavar="NAME")
    options = parser.parse_args()
    events = [event for event in EVENTS if event.name in options.events]
    strike_in_time()
    measured: list[Measured] = []
    for interval in options.intervals:
        with tempfile.TemporaryDirectory() as directory:
            for each in measure_interval(
                interval, events, options.runs, Path(directory), SIDES | MIXED
            ):
                measured.append(each)
                print(f"{each.interval:6g} s  {each.event:24} {each.side:26} {each.lost_ms:9.2f}")
    print(render(measured))
    return 0 if all(verdict(measured).values()) else 1


if __name__ == "__main__":
    sys.exit(main())
