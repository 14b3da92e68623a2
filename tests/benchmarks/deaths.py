"""The time without an ACTIVE router after the death of all processes, or after a cut cable.

``python -m tests.benchmarks.deaths [--runs N]``, as root. Two pairs of directors are measured, with
and without `death_certificates`, at one advertisement a second. Each run kills all processes of the
ACTIVE director, or cuts its cable, at another moment between two advertisements. The time ends with
the first advertisement of the successor. A client notices less: the dead kernel answers until the
lifetime of its addresses ends. Exit 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from hadirector.lab.topology import Network
from tests.benchmarks.failover import (
    Cable,
    cut_cable,
    kill,
    mend_cable,
    start_again,
    strike_in_time,
    wait_for_phase,
)
from tests.benchmarks.pairs import ComparedRouter, Director, Pair, build
from tests.lab.routers import Listener
from tests.waiting import eventually

INTERVAL = 1.0
MEDIAN_MAX, WORST_MAX = 1.3, 1.8
"""Bars in seconds for a death with certificates: 1.1 intervals and the skew time are 1.71 s."""
PLAIN_MIN = 2.0 + 0.6
"""The shortest time in seconds without a certificate: two intervals and the skew time."""
CONFIRMED_SECONDS = 1.0
"""Time for the first question and its answer, after the standby has become BACKUP."""

EVENTS: dict[str, tuple[Callable[[ComparedRouter, Cable], None], Callable[[ComparedRouter], None]]]
EVENTS = {"processes killed": (kill, start_again), "cable cut": (cut_cable, mend_cable)}


def measure(pair: Pair, event: str, phase: float) -> float:
    """Strike ``phase`` seconds after an advertisement; return the seconds to the successor."""
    strike, recover = EVENTS[event]
    active, standby = pair.roles()
    source, other = (each.host.addresses[0].partition("/")[0] for each in (active, standby))
    backups = active.backups()
    time.sleep(CONFIRMED_SECONDS)
    with contextlib.closing(Cable(active.host)) as cable:
        wait_for_phase(pair.client, source, phase)
        with Listener(pair.client) as listener:
            began = time.monotonic()
            strike(active, cable)
            eventually(
                lambda: any(each.source == other for each in listener.heard()), 10.0, "a successor"
            )
            seconds = next(each.at for each in listener.heard() if each.source == other) - began
        recover(active)
    eventually(lambda: active.backups() > backups, 30.0, f"{active.host.namespace} BACKUP")
    pair.settle()
    return seconds


def main() -> int:
    """Measure and print the table; return 1 if a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.deaths")
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    strike_in_time()
    met = True
    print("| event | certificates | runs | median s | worst s | bar | met |")
    print("|---|---|---|---|---|---|---|")
    for keys in (("death_certificates: true",), ()):
        kind = partial(Director, keys=keys)
        with Network() as network, tempfile.TemporaryDirectory() as directory:
            pair = build(network, Path(directory) / "pair", (kind, kind), INTERVAL)
            for event in EVENTS:
                phases = [(run + 0.5) / runs * INTERVAL for run in range(runs)]
                seconds = [measure(pair, event, phase) for phase in phases]
                median, worst = statistics.median(seconds), max(seconds)
                if keys and event == "processes killed":
                    bar, good = "1.3, 1.8", median <= MEDIAN_MAX and worst <= WORST_MAX
                else:
                    bar, good = "as VRRP", min(seconds) >= PLAIN_MIN - 0.1
                met &= good
                print(
                    f"| {event} | {'yes' if keys else 'no'} | {runs} | {median:.2f} | {worst:.2f}"
                    f" | {bar} | {'yes' if good else 'NO'} |",
                    flush=True,
                )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
