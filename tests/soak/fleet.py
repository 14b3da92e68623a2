"""Plays many seeds of a large fleet: ``python -m tests.soak.fleet --seeds 100``, on one core.

Each seed is an hour of 64 directors with 10,000 targets (`tests.simulation.fleet`). Prints the
figures of all seeds. Exit 1 if a promise was broken or a figure misses its bar.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

from tests.simulation.fleet.course import FleetCourse, Report
from tests.simulation.fleet.layout import LARGE, Size

PROBES_BAR: Final = 5.0
OUT_BARS: Final = 1.2, 3.0
"""The median and the 99th percentile of the seconds until a refused backend is out."""


def times(reports: Sequence[Report], kind: str) -> tuple[list[float], list[float], list[float]]:
    """Return the times of all directors, of the first and of the last one, for a kind of death."""
    deaths = [
        death
        for report in reports
        for death in report.deaths
        if death.kind == kind and death.expected <= death.out.keys()
    ]
    everybody = [seconds for death in deaths for seconds in death.out.values()]
    first = [min(death.out.values()) for death in deaths]
    return everybody, first, [max(death.out.values()) for death in deaths]


def percentiles(values: Sequence[float]) -> tuple[float, float]:
    """Return the median and the 99th percentile."""
    if len(values) < 2:
        return (*values, *values) if values else (0.0, 0.0)  # type: ignore[return-value]  # two
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return cuts[49], cuts[98]


def print_times(reports: Sequence[Report]) -> tuple[float, float]:
    """Print the times of each kind of death; return those of all directors for a refusal."""
    print(
        "| death | number | all: p50, p99 s | first: p50, p99 s | last: p50, p99 s | differ p50 s |"
    )
    print("|---|---|---|---|---|---|")
    kinds = dict.fromkeys(death.kind for report in reports for death in report.deaths)
    found = {}
    for kind in sorted(kinds):
        everybody, first, last = times(reports, kind)
        differ = [late - early for early, late in zip(first, last, strict=True)]
        columns = [percentiles(each) for each in (everybody, first, last)]
        found[kind] = columns[0]
        shown = " | ".join(f"{middle:.2f}, {high:.2f}" for middle, high in columns)
        print(f"| {kind} | {len(first)} | {shown} | {percentiles(differ)[0]:.2f} |")
    return found.get("refused", (0.0, 0.0))


def play(seeds: range, size: Size) -> tuple[list[Report], list[str]]:
    """Play all seeds, or until Ctrl-C; return their reports and the broken promises."""
    reports, broken = [], []
    for seed in seeds:
        try:
            reports.append(FleetCourse(seed, size).run())
        except AssertionError as failure:
            broken.append(f"make simulate SEED={seed} WORLD=fleet: {failure}")
            print(broken[-1], flush=True)
        except KeyboardInterrupt:
            break
    return reports, broken


def main() -> int:
    """Play, print, and compare with the bars."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.fleet")
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--directors", type=int, default=LARGE.directors)
    parser.add_argument("--targets", type=int, default=LARGE.targets)
    options = parser.parse_args()
    size = LARGE._replace(directors=options.directors, targets=options.targets)
    # A job in the background of a shell begins with this signal ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    began = time.process_time()
    seeds = range(options.first, options.first + options.seeds)
    reports, broken = play(seeds, size)
    took = time.process_time() - began
    count = len(reports) + len(broken)
    print(f"{size.directors} directors, {size.targets} targets, {count} seeds of an hour")
    print(f"{took / max(1, count):.1f} s of a core a seed, {len(broken)} seeds broke a promise")
    if not reports:
        return 1
    middle, high = print_times(reports)
    load = max(report.probes_per_second for report in reports)
    peak = max(report.peak for report in reports)
    print(f"probes per second of a backend: at most {load:.2f} in an hour, {peak:.2f} at once")
    sums = {
        name: sum(getattr(report, name) for report in reports)
        for name in ("opened", "moved", "broken", "unseen", "predicted", "lost_server")
    }
    print(", ".join(f"flows {name}: {number:.0f}" for name, number in sums.items()))
    print(f"updates per router in an hour: {statistics.mean(r.updates for r in reports):.0f}")
    judged = sum((Counter(report.judged) for report in reports), Counter())
    print("promises: " + ", ".join(f"{name} {judged[name]}" for name in sorted(judged)))
    missed = load > PROBES_BAR or middle > OUT_BARS[0] or high > OUT_BARS[1]
    return int(bool(broken) or missed)


if __name__ == "__main__":
    sys.exit(main())
