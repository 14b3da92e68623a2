"""Compare this checkout with another one: ``python -m tests.benchmarks.compare OTHER``, as root.

OTHER is the directory of a checkout with its own virtual environment (``make .venv/.tests``). The
benchmarks ``failover``, ``checks``, ``verdict`` and ``scale`` measure both checkouts in turn, in
one run on one machine. They are the benchmarks of this checkout, and start the programs of either.
Only ``scale`` runs each checkout's own benchmark, because it measures inside its own process.

The table has both medians of each figure and their ratio. Less is better for every figure. Exit 1
if a median of this checkout is more than 3 % above the other one.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import io
import re
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hadirector.lab import uml
from hadirector.lab.topology import Network
from tests.benchmarks import checks, failover, verdict
from tests.benchmarks.lateness import percentile
from tests.benchmarks.pairs import Director, Kind

RATIO_MAX: Final = 1.03
SCALE_SECONDS_MAX: Final = 1800.0
HERE: Final = Path(__file__).parents[2]


@dataclass(frozen=True)
class Checkout:
    """A checkout to measure: "this" or "other", and its directory."""

    label: str
    path: Path

    @property
    def python(self) -> tuple[str, ...]:
        """The command that runs a module of this checkout with its own packages."""
        return ("env", "-C", str(self.path), str(self.path / ".venv" / "bin" / "python"))


@dataclass(frozen=True)
class Figure:
    """One measured value of one checkout."""

    label: str
    name: str
    value: float


Benchmark = Callable[[list[Checkout], int], Iterator[Figure]]


def in_turn(checkouts: list[Checkout], rounds: int) -> Iterator[Checkout]:
    """Yield the checkouts ``rounds`` times; each round reverses the order of the one before."""
    for number in range(rounds):
        yield from checkouts if number % 2 == 0 else reversed(checkouts)


def compare_failover(
    checkouts: list[Checkout], rounds: int, intervals: tuple[float, ...] = (0.1, 0.01)
) -> Iterator[Figure]:
    """Measure how long the client is without an answer, at several advertisement intervals."""
    failover.strike_in_time()
    sides: dict[str, tuple[Kind, Kind]] = {}
    for checkout in checkouts:
        kind = functools.partial(Director, python=checkout.python)
        sides[checkout.label] = (kind, kind)
    for interval in intervals:
        with tempfile.TemporaryDirectory() as directory:
            for each in failover.measure_interval(
                interval, failover.EVENTS, rounds, Path(directory), sides
            ):
                yield Figure(each.side, f"failover: {each.event}, {interval:g} s, ms", each.lost_ms)


def compare_checks(checkouts: list[Checkout], rounds: int) -> Iterator[Figure]:
    """Measure the processor time for each probe, at 2000 targets a second."""
    with Network() as network:
        host = network.host("checker", "10.99.0.1/24")
        for kind in checks.BARS:
            with contextlib.closing(checks.Server(host, kind)) as server:
                for checkout in in_turn(checkouts, rounds):
                    director = checks.hadirector(host, kind, checks.TARGETS, 1.0, checkout.python)
                    with director as (pid, _):
                        microseconds = checks.cost(server, pid)
                    yield Figure(checkout.label, f"checks: {kind}, µs a probe", microseconds)


def compare_verdict(checkouts: list[Checkout], rounds: int) -> Iterator[Figure]:
    """Measure the time from an answer to the order in the kernel."""
    for checkout in in_turn(checkouts, rounds):
        milliseconds, without = verdict.measure(checkout.python)
        yield Figure(checkout.label, "verdict: median, ms", percentile(milliseconds, 0.5))
        yield Figure(checkout.label, "verdict: 99th percentile, ms", percentile(milliseconds, 0.99))
        yield Figure(checkout.label, "verdict: answers without an order", without)


def compare_scale(checkouts: list[Checkout], rounds: int) -> Iterator[Figure]:
    """Run the benchmark ``scale`` of each checkout, in User-Mode Linux where IPVS is missing."""
    for checkout in in_turn(checkouts, rounds):
        output = io.BytesIO()
        command = (*checkout.python, "-m", "tests.benchmarks.scale")
        status = uml.run(command, SCALE_SECONDS_MAX, output=output, directory=checkout.path)
        printed = output.getvalue().decode()
        if status not in (0, 1):
            raise RuntimeError(f"scale of {checkout.path} ended with status {status}:\n{printed}")
        for name, value in scale_figures(printed):
            yield Figure(checkout.label, f"scale: {name}", value)


def scale_figures(printed: str) -> Iterator[tuple[str, float]]:
    """Read the rows of the table that ``scale`` prints: a name, and the first number after it."""
    for line in printed.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > 2 and (found := re.search(r"([\d.]+) (s|ms|kB)\b", cells[2])):
            yield f"{cells[1]}, {found[2]}", float(found[1])


BENCHMARKS: Final[dict[str, Benchmark]] = {
    "failover": compare_failover,
    "checks": compare_checks,
    "verdict": compare_verdict,
    "scale": compare_scale,
}


def row(name: str, this: list[float], other: list[float]) -> tuple[str, bool]:
    """Return a row of the table, and whether the median of this checkout is within the limit."""
    ours, theirs = statistics.median(this), statistics.median(other)
    within = ours <= RATIO_MAX * theirs
    ratio = f"{ours / theirs:.3f}" if theirs else "-"
    spans = [f"{min(values):.4g} to {max(values):.4g}" for values in (this, other)]
    cells = [name, f"{len(this)}", f"{ours:.4g} ({spans[0]})", f"{theirs:.4g} ({spans[1]})", ratio]
    return f"| {' | '.join(cells)} | {'yes' if within else 'NO'} |", within


def main() -> int:
    """Measure, print the table, and return whether every figure is within the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("other", type=Path, help="directory of the other checkout")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each figure")
    parser.add_argument(
        "--only", nargs="+", choices=BENCHMARKS, default=list(BENCHMARKS), help="benchmarks to run"
    )
    options = parser.parse_args()
    checkouts = [Checkout("this", HERE), Checkout("other", options.other.resolve())]
    measured: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for benchmark in options.only:
        for figure in BENCHMARKS[benchmark](checkouts, options.rounds):
            measured[figure.name][figure.label].append(figure.value)
            print(f"{figure.label:6} {figure.name:50} {figure.value:10.4g}", flush=True)
    print("\n| figure | runs | this: median (all) | other: median (all) | ratio | within 3 % |")
    print("|---|---|---|---|---|---|")
    met = True
    for name, sides in measured.items():
        line, within = row(name, sides["this"], sides["other"])
        print(line)
        met &= within
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
