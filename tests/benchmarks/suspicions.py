"""How long a killed server stays in the tables of directors, alone and with a link.

``python -m tests.benchmarks.suspicions [--directors N] [--rounds N] [--kills N]``, as root. Alone,
no director has a pair link. The probes have an interval of 2 s. In every round both kinds run, in
turns. The directors start at random times, because the phases of their probes decide how soon one
of them finds out. Each kill closes one port of a host with 40 servers.

The times are those of the log lines about the table. ``first`` is the time until the first director
has removed the server, and ``differ`` the time from there until all have. Exit 1 when a median with
a link misses its bar.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from hadirector.lab.topology import Network
from tests.lab.paired_directors import PoolDirector, build_pool_directors
from tests.waiting import eventually

INTERVAL: Final = 2.0
FIRST_BARS: Final = {2: 1.2, 4: 1.0}
"""By the number of directors."""
DIFFER_BAR: Final = 0.2
ADDRESS: Final = "10.99.0.8"
PORT: Final = 8000
SERVERS_COUNT: Final = 40
START_SECONDS_MAX: Final = 40.0
REMOVED_SECONDS_MAX: Final = 20.0
_CHECK: Final = (
    "check: {type: tcp, interval: 2s, timeout: 1s, rise: 1, fall: 2, fast_interval: 500ms}"
)
SERVERS: Final = """
import asyncio, signal, sys

async def main():
    servers = [
        await asyncio.start_server(lambda _, writer: writer.close(), None, int(port))
        for port in sys.argv[1:]
    ]
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, lambda: servers.pop(0).close())
    print("ready", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


class Kill(NamedTuple):
    """One killed server: seconds until the first removal, and from there to the last one."""

    first: float
    differ: float


def measure(kills: int, count: int, *, paired: bool, seed: int) -> list[Kill]:
    """Start the directors and kill servers one after the other; return the times."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as directory, Network() as network:
        ports = chance.sample(range(PORT, PORT + SERVERS_COUNT), SERVERS_COUNT)
        host = network.host("web", f"{ADDRESS}/24")
        program = (sys.executable, "-c", SERVERS, *map(str, ports))
        servers = host.start(*program, output=subprocess.PIPE)
        assert servers.stdout is not None
        assert servers.stdout.readline() == "ready\n"
        with contextlib.redirect_stdout(io.StringIO()):  # the text about their certificates
            directors = build_pool_directors(network, Path(directory), count, pool())
        for director in directors:
            director.paired = paired
            director.start()
            time.sleep(chance.uniform(0.0, INTERVAL))
        for director in directors:
            director.wait_for("verdict_changed", START_SECONDS_MAX, count=SERVERS_COUNT)
            if paired:
                director.wait_for("pair_peer_reached", START_SECONDS_MAX, count=count - 1)
        found = []
        for port in ports[:kills]:
            time.sleep(chance.uniform(0.5, 0.5 + INTERVAL))
            killed_at = time.time()  # noqa: TID251  # compared with the times of log lines
            servers.send_signal(signal.SIGUSR1)  # closes the next port
            removed = sorted(wait_for_removal(director, port) - killed_at for director in directors)
            found.append(Kill(removed[0], removed[-1] - removed[0]))
    return found


def pool() -> str:
    """Return the pool of all servers."""
    servers = "".join(
        f"      - {{address: '{ADDRESS}:{port}'}}\n" for port in range(PORT, PORT + SERVERS_COUNT)
    )
    return (
        "virtual_servers:\n  - name: web\n    address: 10.99.0.100:80\n    scheduler: rr\n"
        f"    forwarding: nat\n    {_CHECK}\n    real_servers:\n{servers}"
    )


def wait_for_removal(director: PoolDirector, port: int) -> float:
    """Return when a director has removed a server, in seconds since the epoch."""
    operation = f"delete destination {ADDRESS}:{port} of tcp 10.99.0.100:80"

    def lines() -> list[dict[str, Any]]:
        return [each for each in director.events("table_changed") if each["operation"] == operation]

    eventually(lines, REMOVED_SECONDS_MAX, operation)
    return datetime.fromisoformat(lines()[0]["timestamp"]).timestamp()


def main() -> int:
    """Measure both kinds in turns and print; return 1 if a median with a link misses its bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directors", type=int, choices=FIRST_BARS, default=2)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--json", action="store_true", help="print every kill")
    arguments = parser.parse_args()
    kinds = {"alone": False, "linked": True}
    kills: dict[str, list[Kill]] = {kind: [] for kind in kinds}
    for number in range(arguments.rounds):
        for kind in list(kinds)[:: 1 if number % 2 == 0 else -1]:
            kills[kind] += measure(
                arguments.kills, arguments.directors, paired=kinds[kind], seed=number
            )
    if arguments.json:
        print(json.dumps(kills))
    print("| | kills | first: median s | p90 | differ: median s | p90 |\n|---|---|---|---|---|---|")
    medians = {}
    for kind, found in kills.items():
        columns = [[each.first for each in found], [each.differ for each in found]]
        medians[kind] = [statistics.median(column) for column in columns]
        figures = [
            f"{figure:.2f}"
            for column in columns
            for figure in (statistics.median(column), statistics.quantiles(column, n=10)[-1])
        ]
        print(f"| {kind} | {len(found)} | {' | '.join(figures)} |")
    first_bar = FIRST_BARS[arguments.directors]
    print(f"bars with a link: first {first_bar:g} s, differ {DIFFER_BAR:g} s")
    first, differ = medians["linked"]
    return int(first > first_bar or differ > DIFFER_BAR)


if __name__ == "__main__":
    sys.exit(main())
