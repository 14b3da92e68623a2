"""Measure what a small director takes: ``python -m tests.benchmarks.footprint``, as root.

The figures are the time of commands, the memory of each process, and the time from ``run`` to the
first verdict. They are also the processor time without checks, the processor time of 200 TCP checks
per second beside keepalived, and the time of ``status`` with 40,000 real servers. With ``--baseline
PATH``, another checkout with its own virtual environment is measured in turn. Exit 1 when a bar
is missed.

The memory is the proportional set size (proc(5), smaps_rollup). It counts a page that several
processes share in parts, so a machine without any other Python shows some more.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hadirector.lab.topology import Host, Network
from tests.benchmarks import checks
from tests.benchmarks.compare import HERE, Checkout, in_turn
from tests.lab.experiment import start_director
from tests.processor_time import processor_seconds
from tests.waiting import eventually

COMMAND_RUNS: Final = 20
START_RUNS: Final = 5
ROUNDS: Final = 3
IDLE_SECONDS: Final = 60.0
CHECKS_SECONDS: Final = 40.0
SETTLED_SECONDS: Final = 12.0
TARGETS: Final = 200
"""Probed every second."""
MANY: Final = 40_000
START_SECONDS_MAX: Final = 120.0

_SMALL = """\
director:
  name: small
  dataplane: dry-run
  runtime_directory: {directory}/run
  state_directory: {directory}/state
  check: {{type: tcp, interval: 1s, timeout: 0.9s}}
vrrp:
  - {{name: web, interface: eth0, virtual_router_id: 51, virtual_addresses: [10.99.0.22]}}
virtual_servers:
  - address: 127.255.0.1:80
    scheduler: rr
    forwarding: nat
    real_servers: [{real_servers}]
"""
_WITHOUT_CHECKS = """\
director: {{name: idle, dataplane: dry-run, runtime_directory: {directory}/run}}
virtual_servers:
  - address: 127.255.0.1:80
    scheduler: rr
    forwarding: nat
    real_servers: [{{address: 127.0.0.1:8080, check: none}}]
"""


@dataclass(frozen=True)
class Figure:
    """One measured value. ``side`` is the label of a checkout, or keepalived."""

    name: str
    side: str
    value: float


@dataclass(frozen=True)
class Bar:
    """The highest median of a figure, in the unit of its name.

    With ``of``, the bar is this multiple of another figure, or of the same figure of keepalived.
    """

    value: float
    of: str | None = None


KEEPALIVED: Final = "keepalived"
EMPTY: Final = "python -c pass, ms"
CHECKS: Final = f"{TARGETS} TCP checks per second, µs a check"
BARS: Final = {
    "hadirector --version, ms": Bar(5, of=EMPTY),
    "hadirector --help, ms": Bar(5, of=EMPTY),
    "hadirector status, ms": Bar(8, of=EMPTY),
    "run to first verdict, s": Bar(0.5),
    "memory of director, MB": Bar(40),
    "memory of checks, MB": Bar(14),
    "memory of vrrp, MB": Bar(14),
    "processor without checks, %": Bar(0.3),
    CHECKS: Bar(0.9, of=KEEPALIVED),
    f"status of {MANY} real servers, s": Bar(2.0),
}


def command(checkout: Checkout) -> str:
    """Return the installed command of a checkout."""
    return str(checkout.path / ".venv" / "bin" / "hadirector")


def seconds(arguments: Sequence[str]) -> float:
    """Run a command, and return how long it takes. The exit code 1 of ``status`` is an answer."""
    began = time.monotonic()
    ended = subprocess.run(arguments, stdout=subprocess.DEVNULL, check=False)
    assert ended.returncode in (0, 1), arguments
    return time.monotonic() - began


@contextlib.contextmanager
def director(host: Host, checkout: Checkout, text: str) -> Iterator[tuple[int, Path]]:
    """Run a director during the block; yield its process id and its directory."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        configuration = text.replace("{directory}", name)
        process = start_director(host, configuration, directory, checkout.python)
        try:
            yield process.pid, directory
        finally:
            host.stop(process)


def small(targets: int = 10) -> str:
    """Return the configuration of a small director; ``{directory}`` is left to fill in."""
    real_servers = ", ".join(f"{{address: {each}:8080}}" for each in checks.targets(targets))
    return _SMALL.replace("{real_servers}", real_servers).replace("{{", "{").replace("}}", "}")


def measure_commands(host: Host, checkouts: list[Checkout]) -> Iterator[Figure]:
    """Measure commands in turn, with one small director that answers ``status``."""
    for checkout in checkouts:
        with director(host, checkout, small()) as (_, directory):
            socket = str(directory / "run" / "api.sock")
            eventually(Path(socket).exists, START_SECONDS_MAX, "the director answers")
            time.sleep(2.0)
            python = str(checkout.path / ".venv" / "bin" / "python")
            commands = {
                EMPTY: [python, "-c", "pass"],
                "hadirector --version, ms": [command(checkout), "--version"],
                "hadirector --help, ms": [command(checkout), "--help"],
                "hadirector status, ms": [command(checkout), "status", "--socket", socket],
            }
            for _ in range(COMMAND_RUNS):
                for name, arguments in commands.items():
                    yield Figure(name, checkout.label, seconds(arguments) * 1000)


def measure_start(host: Host, checkouts: list[Checkout]) -> Iterator[Figure]:
    """Measure the time to the first verdict, and the memory of each process some seconds later."""
    with contextlib.closing(checks.Server(host, "tcp")):
        for checkout in in_turn(checkouts, START_RUNS):
            began = time.monotonic()
            with director(host, checkout, small()) as (pid, directory):
                log = directory / f"{host.name}.log"
                while "verdict_changed" not in log.read_text():
                    if time.monotonic() > began + START_SECONDS_MAX:
                        raise TimeoutError(f"no verdict:\n{log.read_text()}")
                    time.sleep(0.002)
                yield Figure("run to first verdict, s", checkout.label, time.monotonic() - began)
                eventually(lambda: len(checks.family(pid)), 30.0, "processes", expected=3)
                time.sleep(5.0)
                for name, process in zip(
                    ("director", *names(pid)), checks.family(pid), strict=True
                ):
                    yield Figure(f"memory of {name}, MB", checkout.label, megabytes(process))


def names(pid: int) -> Iterator[str]:
    """Name the child processes of a director."""
    for child in checks.family(pid)[1:]:
        arguments = Path(f"/proc/{child}/cmdline").read_text()
        yield "vrrp" if "vrrp_process" in arguments else "checks"


def megabytes(pid: int) -> float:
    """Return the proportional set size of a process."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"/proc/{pid}/smaps_rollup has no Pss")


def measure_idle(host: Host, checkouts: list[Checkout]) -> Iterator[Figure]:
    """Measure the processor time of all processes of a director without checks and instances."""
    for checkout in in_turn(checkouts, 1):
        with director(host, checkout, _WITHOUT_CHECKS.replace("{{", "{").replace("}}", "}")) as (
            pid,
            _,
        ):
            used = processor_seconds_of_family(pid, IDLE_SECONDS)
            yield Figure("processor without checks, %", checkout.label, used / IDLE_SECONDS * 100)


def processor_seconds_of_family(pid: int, duration: float) -> float:
    """Return the processor time that a family of processes takes during some seconds."""
    time.sleep(SETTLED_SECONDS)
    before = processor_seconds(*checks.family(pid))
    time.sleep(duration)
    return processor_seconds(*checks.family(pid)) - before


def measure_checks(host: Host, checkouts: list[Checkout]) -> Iterator[Figure]:
    """Measure the processor time of a TCP check, beside keepalived."""
    with contextlib.closing(checks.Server(host, "tcp")) as server:
        for _ in range(ROUNDS):
            for checkout in checkouts:
                with checks.hadirector(host, "tcp", TARGETS, 1.0, checkout.python) as (pid, _):
                    yield Figure(CHECKS, checkout.label, microseconds(server, pid))
            with checks.keepalived(host, "tcp", TARGETS) as pid:
                yield Figure(CHECKS, KEEPALIVED, microseconds(server, pid))


def microseconds(server: checks.Server, pid: int) -> float:
    """Return the processor time for each connection that the server counts."""
    time.sleep(SETTLED_SECONDS)
    before, seen = processor_seconds(*checks.family(pid)), server.seen()
    time.sleep(CHECKS_SECONDS)
    used, probes = processor_seconds(*checks.family(pid)) - before, server.seen() - seen
    assert probes > 0.9 * TARGETS * CHECKS_SECONDS, f"only {probes} probes"
    return used / probes * 1e6


def measure_status(host: Host, checkouts: list[Checkout]) -> Iterator[Figure]:
    """Measure the text of ``status`` when 40,000 real servers fail."""
    for checkout in checkouts:
        with tempfile.TemporaryDirectory() as name:
            text = checks.our_configuration("tcp", MANY, 60.0, Path(name))
            process = start_director(host, text, Path(name), checkout.python)
            socket = Path(name) / "run" / "api.sock"
            try:
                eventually(socket.exists, START_SECONDS_MAX, "the director answers")
                time.sleep(90.0)
                for _ in range(ROUNDS):
                    arguments = [command(checkout), "status", "--socket", str(socket)]
                    yield Figure(
                        f"status of {MANY} real servers, s", checkout.label, seconds(arguments)
                    )
            finally:
                host.stop(process)


MEASUREMENTS: Final[dict[str, Callable[[Host, list[Checkout]], Iterator[Figure]]]] = {
    "commands": measure_commands,
    "start": measure_start,
    "idle": measure_idle,
    "checks": measure_checks,
    "status": measure_status,
}


def rows(figures: dict[str, dict[str, list[float]]]) -> Iterator[tuple[str, bool]]:
    """Yield the rows of the table, and whether the bar of the row is met."""
    sides = list(dict.fromkeys(side for values in figures.values() for side in values))
    yield f"| median | {' | '.join(sides)} | bar | met |", True
    yield f"|---|{'---|' * len(sides)}---|---|", True
    for name, values in figures.items():
        medians = {side: statistics.median(found) for side, found in values.items()}
        cells = [f"{medians[side]:.3g}" if side in medians else "" for side in sides]
        if name not in BARS:
            yield f"| {name} | {' | '.join(cells)} | | |", True
            continue
        limit = bar_of(name, figures)
        met = medians["this"] <= limit
        yield f"| {name} | {' | '.join(cells)} | {limit:.3g} | {'yes' if met else 'NO'} |", met


def bar_of(name: str, figures: dict[str, dict[str, list[float]]]) -> float:
    """Return the highest value that meets the bar of a figure."""
    bar = BARS[name]
    if bar.of is None:
        return bar.value
    other = figures[name][KEEPALIVED] if bar.of == KEEPALIVED else figures[bar.of]["this"]
    return bar.value * statistics.median(other)


def main() -> int:
    """Measure, print the table, and return whether every bar is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--baseline", type=Path, help="another checkout to measure in turn")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=MEASUREMENTS,
        default=list(MEASUREMENTS),
        help="what to measure",
    )
    options = parser.parse_args()
    checkouts = [Checkout("this", HERE)]
    if options.baseline is not None:
        checkouts.insert(0, Checkout("baseline", options.baseline.resolve()))
    figures: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    with Network() as network:
        host = network.host("small", "10.99.0.1/24")
        for measurement in options.only:
            for figure in MEASUREMENTS[measurement](host, checkouts):
                figures[figure.name][figure.side].append(figure.value)
                print(f"{figure.side:10} {figure.name:45} {figure.value:10.4g}", file=sys.stderr)
    lines = list(rows(figures))
    print("\n".join(line for line, _ in lines))
    return 0 if all(met for _, met in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
