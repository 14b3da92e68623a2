"""A pair of directors under random faults: ``python -m tests.soak.chaos --minutes 10``, as root.

Two directors with the userspace dataplane, two web servers and a client that sends requests without
a pause. In each round one fault or order befalls a director or a web server and is undone. The
promises (DESIGN section 3, by number) that every round checks:

- 1, 2: within `SETTLE_SECONDS` there are `CALM_SECONDS` in which one director is ACTIVE and alone
  holds the address, the other is BACKUP, both web servers pass on both, and no request fails.
- 3, 7: faults that concern only checks, the API or a reload fail no request, and move no address.
- 4, 5: the longest outage is at most `OUTAGE_SECONDS`.
- 9: both directors have exactly the overrides that were ordered.

With ``--link`` the directors have a pair link with shared overrides, and its faults are among the
others. Faults of the link fail no request, and move no address.

At the end no log has a traceback, and memory, descriptors and the number of processes are about the
same as after the first rounds. Exit 1 with the fault; then the logs are kept. The same seed plays
the same faults, but not at the same moments.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from checks.definition.result import Verdict
from hadirector.api.client import ApiError
from hadirector.lab.topology import Host, Network
from hadirector.overrides.model import Action
from tests.lab.experiment import start_web
from tests.soak.chaos_director import ADDRESS, WEB_ADDRESSES, Director, Fault
from tests.soak.chaos_link import make_identities
from tests.soak.chaos_traffic import Traffic, failures, longest_outage
from tests.waiting import eventually
from vrrp.model.report import State

SETTLE_SECONDS: Final = 20.0
CALM_SECONDS: Final = 2.0
LISTENER_SECONDS: Final = 0.2
"""The listener of the userspace dataplane follows a new state within this time."""
OUTAGE_SECONDS: Final = 5.0
WARM_ROUNDS: Final = 10
MEMORY_RATIO_MAX: Final = 1.5
DESCRIPTORS_MORE_MAX: Final = 16
WEB_FAULT_ODDS: Final = 0.06


class Pair:
    """The two directors, their web servers and their client."""

    def __init__(self, network: Network, directory: Path, seed: int, *, link: bool) -> None:
        self._random = random.Random(seed)
        self._webs = [
            network.host(f"web{number}", f"{address}/24")
            for number, address in enumerate(WEB_ADDRESSES, start=1)
        ]
        self._web_processes = {web.name: start_web(web, web.name) for web in self._webs}
        hosts = (network.host("one", "10.99.0.1/24"), network.host("two", "10.99.0.2/24"))
        shared: dict[str, int] | None = {} if link else None
        self._directors = [Director(host, directory, self._random, shared) for host in hosts]
        self._client = network.host("client", "10.99.0.70/24")
        self._directory = directory
        self._active: list[str] = []

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Run the directors and the client during the block."""
        with contextlib.ExitStack() as stack:
            for director in self._directors:
                stack.enter_context(director.disk())
                # The disk is in use until the processes have ended.
                stack.callback(director.host.kill_processes)
                director.start()
            eventually(self._disorder, SETTLE_SECONDS, "the pair is in order", expected="")
            self._traffic = Traffic(self._client, ADDRESS, self._directory)
            self._settle()
            yield

    def round(self) -> str:
        """Play one fault and check the promises; return what happened."""
        where, fault = self._choose()
        story = f"{where} {fault.what}"
        began = time.monotonic()
        try:
            fault.play()
            calm_since = self._settle()
            samples = self._traffic.between(began, time.monotonic())
            outage, failed = longest_outage(samples), failures(samples)
            assert samples, "the client sends nothing"
            assert outage <= OUTAGE_SECONDS, f"an outage of {outage:.2f} s: {failed[:3]}"
            assert fault.fails or not failed, f"{len(failed)} requests failed: {failed[:3]}"
            late = failures([sample for sample in samples if sample.began >= calm_since])
            assert not late, f"{len(late)} requests failed after the fault was over: {late[:3]}"
        except (TimeoutError, AssertionError, ApiError, subprocess.SubprocessError) as failure:
            failure.add_note(story)
            raise
        return f"{story}: {len(failed)} of {len(samples)} requests failed, outage {outage:.2f} s"

    def kilobytes(self) -> int:
        """Return the memory of all processes."""
        return sum(director.resident_kilobytes() for director in self._directors)

    def descriptors(self) -> list[list[int]]:
        """Return the number of descriptors of every process of each director."""
        return [director.descriptors() for director in self._directors]

    def crashes(self) -> list[str]:
        """Return the names of logs with a traceback."""
        logs = [director.log for director in self._directors]
        return [log.name for log in logs if "Traceback" in log.read_text()]

    def _choose(self) -> tuple[str, Fault]:
        if self._random.random() < WEB_FAULT_ODDS:
            web = self._random.choice(self._webs)
            return web.name, Fault("is killed and started", lambda: self._crash_web(web))
        director = self._random.choice(self._directors)
        return director.host.name, self._random.choice(director.faults())

    def _crash_web(self, web: Host) -> None:
        self._web_processes[web.name].kill()
        self._web_processes[web.name].wait(10.0)
        time.sleep(self._random.uniform(0.0, 3.0))
        self._web_processes[web.name] = start_web(web, web.name)

    def _settle(self) -> float:
        """Wait until all is in order for a while, and return since when.

        A router that returns with a higher priority takes over in that time.
        """
        settled = eventually(self._disorder_in_a_while, SETTLE_SECONDS, "a calm pair", expected="")
        return settled - CALM_SECONDS + LISTENER_SECONDS

    def _disorder_in_a_while(self) -> str:
        """Return the first fault of the pair within `CALM_SECONDS`, or an empty text."""
        end = time.monotonic() + CALM_SECONDS
        disorder = self._disorder()
        active = self._active
        while not disorder and time.monotonic() < end:
            time.sleep(0.05)
            disorder = self._disorder()
            if not disorder and self._active != active:
                return f"the address moved from {active} to {self._active}"
        return disorder

    def _disorder(self) -> str:
        """Return the faults of the pair, or an empty text."""
        try:
            states = {director.host.name: director.state() for director in self._directors}
            faults = [fault for director in self._directors for fault in _faults(director)]
        except ApiError as error:
            return str(error)  # for example between the stop and the start of a restart
        active = self._active = [name for name, state in states.items() if state is State.ACTIVE]
        if set(states.values()) != {State.ACTIVE, State.BACKUP}:
            faults.append(f"the states are {states}")
        holders = [director.host.name for director in self._directors if director.holds()]
        if holders != active:
            faults.append(f"{active} is ACTIVE, and {holders} has the address")
        return "; ".join(faults)


def _faults(director: Director) -> Iterator[str]:
    """Yield what is wrong with the servers, the table and the overrides of a director."""
    status = director.status()
    (virtual_server,) = status.virtual_servers
    found = {
        f"web/{server.address}": server.wanted_weight
        for server in virtual_server.real_servers
        if server.override is Action.WEIGHT
    }
    if found != director.overrides:
        yield f"{status.name} has the overrides {found}, expected {director.overrides}"
    for server in virtual_server.real_servers:
        if server.verdict is not Verdict.PASSING:
            yield f"{server.address} is {server.verdict} on {status.name}: {server.reason}"
    for operation, error in status.failing.items():
        yield f"{status.name} cannot {operation}: {error}"
    if status.blind:
        yield f"{status.name} is blind"


def soak(directory: Path, seed: int, minutes: float, *, link: bool) -> None:
    """Play rounds for this time. Raises AssertionError or TimeoutError if a promise is broken."""
    source = Path(__file__).with_name("clock.c")
    library = str(directory / "clock.so")
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, str(source)], check=True)
    with Network() as network:
        if link:
            make_identities(directory)
        pair = Pair(network, directory, seed, link=link)
        with pair.running():
            _play(pair, minutes)


def _play(pair: Pair, minutes: float) -> None:
    """Play the rounds, and compare what the processes use after the first ones and at the end."""
    end = time.monotonic() + 60 * minutes
    small, few = 0, [[0]]
    for number in itertools.count(1):
        print(f"{number:5} {pair.round()}", flush=True)
        if number == WARM_ROUNDS:
            small, few = pair.kilobytes(), pair.descriptors()
        if time.monotonic() > end and number >= WARM_ROUNDS:
            break
    grown, many = pair.kilobytes(), pair.descriptors()
    print(f"{number} rounds; memory {small} kB after {WARM_ROUNDS}, {grown} kB at the end;")
    print(f"descriptors of each process {few} after {WARM_ROUNDS}, {many} at the end")
    assert grown <= MEMORY_RATIO_MAX * small, "the processes have grown"
    assert [len(counts) for counts in many] == [len(counts) for counts in few], "more processes"
    for before, after in zip(itertools.chain(*few), itertools.chain(*many), strict=True):
        assert after <= before + DESCRIPTORS_MORE_MAX, "descriptors leak"
    assert pair.crashes() == []


def main() -> int:
    """Soak the pair; return 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.chaos")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--link", action="store_true", help="with a pair link and its faults")
    options = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="hadirector-chaos-"))
    print(f"seed {options.seed}, logs in {directory}", flush=True)
    soak(directory, options.seed, options.minutes, link=options.link)
    shutil.rmtree(directory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
