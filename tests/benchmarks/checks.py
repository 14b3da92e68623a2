"""What probes cost, beside keepalived: ``python -m tests.benchmarks.checks``, as root.

Each program in turn probes 2000 targets every second on the loopback of a namespace, first by TCP,
then by HTTP. The figure is the processor time of its whole process tree for each connection that
the servers have counted. Then hadirector alone: how late its probes begin at 10,000 a second, how
soon 5000 targets are known, and the memory of a target. Exit 1 when a bar is missed.

keepalived's checker requires IPVS. Where the kernel has none, a library (no_ipvs.c, which needs
gcc) replaces it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from checks.definition.check import CheckDefinition, Timing
from checks.definition.options import TcpProbe
from checks.scheduling.checker import Checker
from hadirector.api.client import request
from hadirector.lab.topology import Host, Network
from hadirector.lab.uml import kernel_has_ipvs
from hadirector.status.report import Status
from tests.lab.experiment import start_director
from tests.processor_time import processor_seconds
from tests.waiting import eventually

TARGETS = 2000
MANY = 10_000
KNOWN = 5000
SECONDS = 15.0
ROUNDS = 3
"""The programs are measured in turn, because a shared machine changes with time."""
SETTLED = 12.0
BARS = {"tcp": 0.75, "http": 1.0}
KNOWN_BAR, LATE_BAR, MEMORY_BAR_KB = 3.0, 0.05, 8.0

_SERVER = """\
import os, socket, sys, threading
http = sys.argv[1] == "http"
reply = (b"HTTP/1.1 200 OK\\r\\nServer: web\\r\\nDate: Mon, 23 Nov 2026 08:00:00 GMT\\r\\n"
         b"Content-Type: text/plain\\r\\nContent-Length: 3\\r\\nConnection: close\\r\\n\\r\\nok\\n")
server = socket.create_server(("0.0.0.0", 8080), backlog=4096)
seen = 0
def tell():
    for _ in sys.stdin:
        print(seen, flush=True)
    os._exit(0)
threading.Thread(target=tell, daemon=True).start()
print("ready", flush=True)
while True:
    with server.accept()[0] as connection:
        seen += 1
        if http:
            try:
                connection.recv(4096)
                connection.sendall(reply)
            except OSError:
                pass
"""
_OURS = """\
director:
  name: checker
  dataplane: dry-run
  runtime_directory: {directory}/run
  check: {{type: {kind}, interval: {interval:g}, timeout: {timeout:g}}}
virtual_servers:
"""
_OUR_SERVICE = """\
  - address: 127.255.0.1:{port}
    scheduler: rr
    forwarding: nat
    real_servers:
"""
_THEIR_SERVICE = """\
virtual_server 127.255.0.1 {port} {{
    delay_loop 1
    lvs_sched rr
    lvs_method NAT
    protocol TCP
{servers}}}
"""
_THEIR_CHECK = {
    "tcp": "TCP_CHECK {{ connect_timeout 1 }}",
    "http": "HTTP_GET {{ url {{ path /\n status_code 200\n }}\n connect_timeout 1\n }}",
}


def targets(count: int) -> list[str]:
    """Return loopback addresses."""
    return [
        f"127.{number // 60000 + 1}.{number // 250}.{number % 250 + 1}" for number in range(count)
    ]


def our_configuration(kind: str, count: int, interval: float, directory: Path) -> str:
    """Return a configuration with a pool for each thousand targets."""
    timeout = min(0.9, interval)
    parts = [_OURS.format(directory=directory, kind=kind, interval=interval, timeout=timeout)]
    for number, address in enumerate(targets(count)):
        if number % 1000 == 0:
            parts.append(_OUR_SERVICE.format(port=8000 + number // 1000))
        parts.append(f"      - {{address: {address}:8080}}\n")
    return "".join(parts)


def their_configuration(kind: str, count: int) -> str:
    """Return the same for keepalived."""
    every = targets(count)
    check = _THEIR_CHECK[kind].format()
    return "".join(
        _THEIR_SERVICE.format(
            port=8000 + first // 1000,
            servers="".join(
                f"    real_server {address} 8080 {{\n {check}\n }}\n"
                for address in every[first : first + 1000]
            ),
        )
        for first in range(0, count, 1000)
    )


class Server:
    """The probed server, which counts connections."""

    def __init__(self, host: Host, kind: str) -> None:
        self._host = host
        self._process = subprocess.Popen(
            ["ip", "netns", "exec", host.namespace, sys.executable, "-c", _SERVER, kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._ask()

    def seen(self) -> int:
        """Return the number of connections."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return int(self._ask())

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _ask(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


def family(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in family(int(child)))]


def resident_kilobytes(pids: list[int]) -> float:
    """Return the private memory of processes (proc(5), smaps_rollup)."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith(("Private_Clean:", "Private_Dirty:")):
                total += int(line.split()[1])
    return total


@contextlib.contextmanager
def hadirector(
    host: Host,
    kind: str,
    count: int,
    interval: float,
    python: Sequence[str] = (sys.executable,),
) -> Iterator[tuple[int, Callable[[], Status]]]:
    """Run a director during the block; yield its process id, and a function that gets its status.

    ``python`` is the command that runs it (see ``start_director``).
    """
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        text = our_configuration(kind, count, interval, directory)
        process = start_director(host, text, directory, python)
        api = directory / "run" / "api.sock"

        def status() -> Status:
            return msgspec.json.decode(request(str(api), "GET", "/v1/status"), type=Status)

        eventually(api.exists, 60.0, "the director answers")
        try:
            yield process.pid, status
        finally:
            host.stop(process)


@contextlib.contextmanager
def keepalived(host: Host, kind: str, count: int) -> Iterator[int]:
    """Run keepalived's checker during the block; yield its process id."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        file = directory / "keepalived.conf"
        file.write_text(their_configuration(kind, count))
        environment = dict(os.environ)
        if not kernel_has_ipvs():
            library = directory / "no_ipvs.so"
            source = Path(__file__).with_name("no_ipvs.c")
            subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source], check=True)
            environment["LD_PRELOAD"] = str(library)
        process = host.start(
            *("keepalived", "-C", "-n", "-l", "-f", str(file)),
            *("-p", str(directory / "pid"), "-c", str(directory / "checkers_pid")),
            environment=environment,
        )
        try:
            yield process.pid
        finally:
            host.stop(process)


def cost(server: Server, pid: int) -> float:
    """Return the microseconds of processor time for each probe."""
    time.sleep(SETTLED)
    before, seen = processor_seconds(*family(pid)), server.seen()
    time.sleep(SECONDS)
    used, probes = processor_seconds(*family(pid)) - before, server.seen() - seen
    assert probes > TARGETS * SECONDS / 2, f"{probes} probes only"
    return used / probes * 1e6


def compare(host: Host, kind: str) -> bool:
    """Measure both in turn; return whether the median ratio meets the bar."""
    rounds = []
    with contextlib.closing(Server(host, kind)) as server:
        for _ in range(ROUNDS):
            with hadirector(host, kind, TARGETS, 1.0) as (pid, _):
                ours = cost(server, pid)
            with keepalived(host, kind, TARGETS) as pid:
                theirs = cost(server, pid)
            rounds.append((ours / theirs, ours, theirs))
    ratio, ours, theirs = sorted(rounds)[ROUNDS // 2]
    bar = BARS[kind]
    seen = ", ".join(f"{each:.2f}" for each, _, _ in sorted(rounds))
    print(
        f"| {kind} | {ours:.0f} µs | {theirs:.0f} µs | {ratio:.2f} ({seen}) | {bar:g} |"
        f" {'met' if ratio <= bar else 'NOT MET'} |",
        flush=True,
    )
    return ratio <= bar


def report_figure(what: str, value: float, bar: float, unit: str) -> bool:
    """Print one figure of hadirector; return whether it meets its bar."""
    met = value <= bar
    print(
        f"{what}: {value:.3g} {unit} (bar: {bar:g} {unit}){'' if met else ' NOT MET'}", flush=True
    )
    return met


def lateness(host: Host) -> bool:
    """Measure the lateness of 99 in 100 probes at 10,000 a second."""
    with (
        contextlib.closing(Server(host, "tcp")) as server,
        hadirector(host, "tcp", MANY, 1.0) as (_, status),
    ):
        time.sleep(SETTLED)
        before, seen = status().probe_lateness, server.seen()
        time.sleep(SECONDS)
        after, probes = status().probe_lateness, server.seen() - seen
    counts = [b - a for a, b in zip(before.counts, after.counts, strict=True)]
    reached, bound = 0, float("inf")
    for count, each in zip(counts, (*after.bounds, float("inf")), strict=True):
        reached += count
        if reached >= 0.99 * sum(counts):
            bound = each
            break
    print(f"10,000 targets every second: {probes / SECONDS:.0f} probes a second")
    enough = probes >= 0.99 * MANY * SECONDS
    return (
        report_figure("of which 99 in 100 begin late by at most", bound, LATE_BAR, "s") and enough
    )


def known_after() -> float:
    """Return the seconds until each of 5000 targets has a first verdict, in this process."""

    async def run() -> float:
        known: set[str] = set()
        complete = asyncio.Event()

        def report(identity: str, *_: object) -> None:
            known.add(identity)
            if len(known) == KNOWN:
                complete.set()

        checker = Checker(report, probes_at_once_max=8192)
        definitions = [
            CheckDefinition(
                identity=address,
                address=address,
                port=8080,
                probe=TcpProbe(),
                timing=Timing(interval=10.0, timeout=1.0),
            )
            for address in targets(KNOWN)
        ]
        running = asyncio.create_task(checker.run())
        began = time.monotonic()
        checker.configure(definitions, {})
        async with asyncio.timeout(60):
            await complete.wait()
        elapsed = time.monotonic() - began
        running.cancel()
        return elapsed

    return asyncio.run(run())


def memory(host: Host) -> bool:
    """Measure the memory of each of 9000 more targets."""
    sizes = []
    for count in (1000, MANY):
        with hadirector(host, "tcp", count, 10.0) as (pid, _):
            time.sleep(20.0)
            sizes.append(resident_kilobytes(family(pid)))
    per_target = (sizes[1] - sizes[0]) / (MANY - 1000)
    return report_figure(
        "memory for each target, of all processes", per_target, MEMORY_BAR_KB, "kB"
    )


def main() -> int:
    """Measure and print; return 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=("compare", "lateness", "known", "memory"))
    only = parser.parse_args().only
    met = []
    with Network() as network:
        host = network.host("checker", "10.99.0.1/24")
        if only in (None, "compare"):
            print("| 2000 a second | hadirector | keepalived | ratio | bar | |")
            print("|---|---|---|---|---|---|", flush=True)
            met += [compare(host, kind) for kind in BARS]
        if only in (None, "lateness"):
            met.append(lateness(host))
        if only in (None, "known"):
            met.append(
                report_figure(
                    "5000 targets that refuse are known after", known_after(), KNOWN_BAR, "s"
                )
            )
        if only in (None, "memory"):
            met.append(memory(host))
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
