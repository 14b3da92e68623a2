"""How long a killed web server stays in the kernel's table, with an idle connection and without.

``python -m tests.benchmarks.idle_connection [--runs N]``, as root with IPVS, or the same behind
``python -m hadirector.lab.uml --``. Exit 1 when the median with an idle connection misses the bar.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from hadirector.lab.topology import Network
from tests.lab.experiment import (
    VIRTUAL_ADDRESS,
    WEB_ADDRESSES,
    build_site,
    start_director,
    start_web,
)
from tests.waiting import eventually

BAR_MS = 20.0
INTERVAL = 2.0
SECONDS_MAX = 30.0
_CONFIGURATION = f"""\
director: {{runtime_directory: %s}}
virtual_servers:
  - address: {VIRTUAL_ADDRESS}:80
    scheduler: rr
    forwarding: nat
    check: {{type: http, interval: {INTERVAL:g}s, rise: 1, fall: 2, idle_connection: %s}}
    real_servers: [{{address: {WEB_ADDRESSES[0]}}}, {{address: {WEB_ADDRESSES[1]}}}]
"""
_ENTRY = "{:02X}{:02X}{:02X}{:02X}:0050".format(*map(int, WEB_ADDRESSES[0].split(".")))


def measure(runs: int, *, idle_connection: bool) -> list[float]:
    """Kill the first web server ``runs`` times; return how long it stayed in the table, in ms."""
    with tempfile.TemporaryDirectory() as directory, Network() as network:
        site = build_site(network, "nat")
        [host] = site.directors
        host.ip(f"address add {VIRTUAL_ADDRESS}/32 dev eth0")
        configuration = _CONFIGURATION % (f"{directory}/run", str(idle_connection).lower())
        victim, _ = site.start_webs()
        director = start_director(host, configuration, Path(directory))
        table = Path(f"/proc/{director.pid}/net/ip_vs")
        stayed = []
        for number in range(runs):
            eventually(lambda: _ENTRY in table.read_text(), SECONDS_MAX, "web1 in the table")
            # The kills are spread evenly over the interval of the probes.
            time.sleep(1.0 + INTERVAL * number / runs)
            began = time.monotonic()
            victim.kill()
            while _ENTRY in table.read_text():
                time.sleep(0.0005)
            stayed.append((time.monotonic() - began) * 1000)
            victim.communicate()
            victim = start_web(site.webs[0], "web1")
        host.stop(director)
    return stayed


def main() -> int:
    """Measure and print; return 1 if the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    subprocess.run(["modprobe", "-q", "ip_vs"], check=False)
    print("| idle_connection | runs | median ms | worst ms | bar |\n|---|---|---|---|---|")
    medians = {}
    for idle_connection in (True, False):
        stayed = measure(runs, idle_connection=idle_connection)
        medians[idle_connection] = statistics.median(stayed)
        bar = f"{BAR_MS:g}" if idle_connection else ""
        told = "yes" if idle_connection else "no"
        print(f"| {told} | {runs} | {medians[idle_connection]:.1f} | {max(stayed):.1f} | {bar} |")
    return int(medians[True] > BAR_MS)


if __name__ == "__main__":
    sys.exit(main())
