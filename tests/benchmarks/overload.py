"""What a thousand clients change for advertisements, for verdicts and for the memory.

``python -m tests.benchmarks.overload [--seconds S] [--rounds N]``, as root. One director advertises
every 10 ms and checks real servers that answer well and badly in turn. Four phases take turns: no
clients, and the three kinds of clients that overload_clients.py describes.

The lateness of an advertisement is the time since the one before it, minus the interval. The time
of a verdict runs from the answer of the real server to the log line of the changed table. Exit 1
when a bar is missed: p99.9 of the lateness at most 1 ms above the phase without clients, p99.9 of
the verdicts at most 10 ms (promise 4), and at most twice the memory of the idle director.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from hadirector.lab.topology import Host, Network
from hadirector.web.tokens import Token, digest_of, format_tokens
from tests.benchmarks.lateness import SOURCE, Departures, describe, percentile
from tests.benchmarks.verdict import TURNING_SERVER, events, writing
from tests.lab.experiment import start_director
from tests.lab.loopback import memory
from tests.lab.probes.certificates import Authority
from tests.waiting import eventually

INTERVAL = 0.01
TURNING, STEADY, LARGE = 20, 60, 10_000
SETTLED_SECONDS, REST_SECONDS = 5.0, 6.0
ADVERTISEMENT_BAR_MS, VERDICT_BAR_MS, MEMORY_BAR = 1.0, 10.0, 2.0
ALONE: Final = "no clients"
KINDS: Final = {
    "1000 clients of the API": "api",
    "1000 slow clients of the dataplane": "dataplane",
    "1150 clients of the web process": "web",
}
PHASES: Final = (ALONE, *KINDS)
LISTEN: Final = "127.0.0.1:9470"

_CONFIGURATION = """\
director: {{name: busy, dataplane: userspace, realtime: true, log: json,
  runtime_directory: {directory}/run}}
api:
  unix: {directory}/run/api.sock
  listen: {listen}
  tokens_file: {directory}/tokens
  tls: {{certificate: {directory}/self.pem, key: {directory}/self.key}}
vrrp:
  - {{name: web, interface: eth0, virtual_router_id: 51, advert_interval: 10ms,
     virtual_addresses: [10.99.0.100]}}
virtual_servers:
  - {{name: turning, address: '127.0.41.1:8001', scheduler: rr, forwarding: nat, min_healthy: 0,
     real_servers: [{turning}]}}
  - {{name: large, address: '127.0.41.1:8002', scheduler: rr, forwarding: nat, check: none,
     real_servers: [{large}]}}
  - {{name: slow, address: '127.0.41.1:8003', scheduler: rr, forwarding: nat, check: none,
     real_servers: [{{address: '127.0.42.1:8082'}}]}}
"""
_SINK = """\
import selectors, socket
server = socket.create_server(("0.0.0.0", 8082), backlog=4096)
readable = selectors.DefaultSelector()
readable.register(server, selectors.EVENT_READ)
while True:
    for key, _ in readable.select():
        if key.fileobj is server:
            readable.register(server.accept()[0], selectors.EVENT_READ)
        else:
            try:
                more = key.fileobj.recv(4096)
            except OSError:
                more = b""
            if not more:
                readable.unregister(key.fileobj)
                key.fileobj.close()
"""


class Phase(NamedTuple):
    """One phase of a run, in seconds of the monotonic clock."""

    name: str
    began: float
    ended: float


def configuration(directory: Path) -> str:
    """Return a virtual server whose real servers turn, a large one, and one for slow clients."""
    check = "{type: http, interval: 500ms, timeout: 400ms, rise: 1, fall: 1}"
    turning = [
        f"{{address: '127.99.0.{1 + each}:8081', check: {check}}}" for each in range(TURNING)
    ]
    steady = [f"{{address: '127.98.0.{1 + each}:80', check: none}}" for each in range(STEADY)]
    large = [f"{{address: '127.97.{each // 250}.{1 + each % 250}:80'}}" for each in range(LARGE)]
    return _CONFIGURATION.format(
        directory=directory,
        listen=LISTEN,
        turning=", ".join(turning + steady),
        large=", ".join(large),
    )


@contextlib.contextmanager
def clients(host: Host, phase: str, directory: Path) -> Iterator[None]:
    """Run the clients of a phase during the block."""
    if phase == ALONE:
        yield
        return
    kind = KINDS[phase]
    places = {"api": f"{directory}/run/api.sock", "dataplane": "127.0.41.1:8003", "web": LISTEN}
    command = (sys.executable, "-m", "tests.benchmarks.overload_clients", kind, places[kind])
    process = host.start(*command, output=subprocess.DEVNULL)
    try:
        yield
    finally:
        host.stop(process)


def write_credentials(directory: Path) -> None:
    """Write a certificate for the web process, and a token for its clients."""
    Authority(directory).self_signed()
    tokens = directory / "tokens"
    tokens.write_bytes(format_tokens([Token("read", "read", digest_of("read"))]))
    tokens.chmod(0o600)


def play(host: Host, seconds: float, rounds: int, directory: Path) -> Iterator[Phase]:
    """Play the phases by turns."""
    for _ in range(rounds):
        for name in PHASES:
            with clients(host, name, directory):
                time.sleep(REST_SECONDS)
                began = time.monotonic()
                time.sleep(seconds)
                yield Phase(name, began, time.monotonic())
            time.sleep(REST_SECONDS)


def changes(log: Path) -> dict[str, list[float]]:
    """Return the monotonic times at which the table changed for each turning real server."""
    drift = time.clock_gettime(time.CLOCK_REALTIME) - time.monotonic()
    found: defaultdict[str, list[float]] = defaultdict(list)
    for line in log.read_text().splitlines():
        if '"table_changed"' in line and "destination 127.99." in line:
            fields = json.loads(line)
            address = fields["operation"].split("destination ")[1].split(":")[0]
            changed_at = datetime.fromisoformat(fields["timestamp"]).timestamp()
            found[address].append(changed_at - drift)
    return found


def verdict_times(answers: Path, log: Path, phases: Sequence[Phase]) -> tuple[list[float], int]:
    """Return the seconds from each answer in the phases to the change of the table.

    The second value is the number of answers without a change before the next answer: the probe
    timed out before the answer was read.
    """
    changed, answered = changes(log), events(answers, 0.0, math.inf)
    taken: list[float] = []
    without = 0
    for address, times in answered.items():
        for at, following in pairwise(times):
            if any(phase.began <= at < phase.ended - 1.0 for phase in phases):
                place = bisect_right(changed[address], at)
                if place < len(changed[address]) and changed[address][place] < following:
                    taken.append(changed[address][place] - at)
                else:
                    without += 1
    return taken, without


def gaps(sent_at: Sequence[float], phases: Sequence[Phase]) -> list[float]:
    """Return the lateness of the advertisements in the phases."""
    return [
        later - earlier - INTERVAL
        for earlier, later in pairwise(sent_at)
        if any(phase.began <= earlier < phase.ended for phase in phases)
    ]


def measure(seconds: float, rounds: int) -> bool:
    """Measure and print a table. Return whether each bar is met."""
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        network = stack.enter_context(Network())
        host = network.host("director", f"{SOURCE}/24")
        answers = directory / "answers"
        write_credentials(directory)
        stack.enter_context(writing(host, answers, sys.executable, "-c", TURNING_SERVER))
        stack.enter_context(writing(host, directory / "sink", sys.executable, "-c", _SINK))
        director = start_director(host, configuration(directory), directory)
        eventually(lambda: host.holds("10.99.0.100"), 60.0, "ACTIVE")
        departures = stack.enter_context(contextlib.closing(Departures(host, SOURCE)))
        time.sleep(SETTLED_SECONDS)
        idle = memory(director.pid)
        phases = list(play(host, seconds, rounds, directory))
        departures.read()
        highest = memory(director.pid, "VmHWM")
        log = directory / "director.log"
        late = {name: gaps(departures.at, _named(phases, name)) for name in PHASES}
        verdicts = {name: verdict_times(answers, log, _named(phases, name)) for name in PHASES}
    print("| ms | number | median | p99 | p99.9 | worst |\n|---|---|---|---|---|---|")
    for name in PHASES:
        print(describe(f"advertisements, {name}", late[name]))
    for name in PHASES:
        taken, without = verdicts[name]
        print(describe(f"verdict to table, {name}, {without} without a change", taken))
    print(f"memory: idle {idle / 1024:.0f} MB, highest {highest / 1024:.0f} MB")
    alone = percentile(late[ALONE], 0.999) * 1000
    return (
        all(percentile(late[name], 0.999) * 1000 <= alone + ADVERTISEMENT_BAR_MS for name in PHASES)
        and all(percentile(verdicts[name][0], 0.999) * 1000 <= VERDICT_BAR_MS for name in PHASES)
        and highest <= MEMORY_BAR * idle
    )


def _named(phases: Sequence[Phase], name: str) -> list[Phase]:
    return [phase for phase in phases if phase.name == name]


def main() -> int:
    """Measure; return 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="the length of a phase")
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    # This process is not measured, but the director must not starve it.
    os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    met = measure(options.seconds, options.rounds)
    print("met" if met else "NOT MET")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
