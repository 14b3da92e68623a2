"""The cost of ``status --pair``: ``python -m tests.benchmarks.pair_status``, as root.

Two directors with a pair link have 500 virtual servers with four real servers
each. The figures are the time of the command from its start to its end, its processor time, and the
processor time of the director that answers. Exit 1 when the median time is 200 ms or more.
"""

from __future__ import annotations

import argparse
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.lab.topology import Network
from tests.lab.paired_directors import PairedDirector, build_pair
from tests.processor_time import processor_seconds
from tests.waiting import eventually

VIRTUAL_SERVERS: Final = 500
RUNS: Final = 20
BAR_SECONDS: Final = 0.2
PAUSE_SECONDS: Final = 0.5
"""The pause between two runs, after which the director has another status."""
SERVER: Final = """\
  - name: pool{number}
    address: 10.98.{block}.{host}:80
    scheduler: rr
    forwarding: dr
    check: {{type: none}}
    real_servers: [{members}]
"""


def pools() -> str:
    """Return the section with all virtual servers."""
    members = ", ".join(f"{{address: 10.97.0.{host}}}" for host in range(1, 5))
    return "virtual_servers:\n" + "".join(
        SERVER.format(number=number, block=number // 250, host=number % 250 + 1, members=members)
        for number in range(VIRTUAL_SERVERS)
    )


@dataclass
class ManyPools(PairedDirector):
    """A director of a pair with many virtual servers."""

    @property
    def text(self) -> str:
        return super().text.split("virtual_servers:\n", 1)[0] + pools()

    def known(self) -> list[int]:
        """Return how many virtual servers of each director this one knows."""
        try:
            found: dict[str, Any] = msgspec.json.decode(request(self.socket, "GET", "/v1/pair"))
        except ApiError:
            return []
        facts = [each.get("facts") or {} for each in found["directors"]]
        return [len(each.get("virtual_servers", ())) for each in facts]


def measure(command: Sequence[str], director: int, runs: int) -> list[tuple[float, float, float]]:
    """Return the time of each run, its processor time, and that of the director, in seconds."""
    figures = []
    for _ in range(runs):
        time.sleep(PAUSE_SECONDS)
        before, began = processor_seconds(director), time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, _, used = os.wait4(process.pid, 0)
        took = time.monotonic() - began
        process.returncode = 0  # it was waited for
        own = used.ru_utime + used.ru_stime
        figures.append((took, own, processor_seconds(director) - before))
    return figures


def main() -> int:
    """Measure and print; return 1 if the bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.pair_status")
    parser.add_argument("--runs", type=int, default=RUNS)
    runs = parser.parse_args().runs
    with Network() as network, tempfile.TemporaryDirectory() as made:
        directory = Path(made)
        with redirect_stdout(io.StringIO()):  # the output of `pair init`
            pair = build_pair(network, directory)
        directors = [
            ManyPools(each.host, directory, priority=each.priority, peers=each.peers)
            for each in pair
        ]
        for each in directors:
            each.start()
        expected = [VIRTUAL_SERVERS, VIRTUAL_SERVERS]
        eventually(directors[0].known, 60.0, "both directors", expected=expected)
        time.sleep(3.0)  # after the first seconds of the director
        assert directors[0].process is not None
        command = (sys.executable, "-m", "hadirector", "status", "--pair")
        figures = measure(
            (*command, "--socket", directors[0].socket), directors[0].process.pid, runs
        )
        for each in directors:
            each.stop()
    walls, own, answering = (
        [1000 * value for value in column] for column in zip(*figures, strict=True)
    )
    median = statistics.median(walls)
    print(f"status --pair with {VIRTUAL_SERVERS} virtual servers, {runs} runs")
    print(f"  time: {median:.0f} ms (median), {max(walls):.0f} ms (worst)")
    print(f"  processor time of the command: {statistics.median(own):.0f} ms (median)")
    print(f"  processor time of the director: {statistics.mean(answering):.0f} ms (mean)")
    print(f"  bar: {1000 * BAR_SECONDS:g} ms (median)")
    return 0 if median < 1000 * BAR_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
