"""Two directors under random faults: ``python -m tests.soak.pair --minutes 5``, as root.

In each round one fault or operator's order befalls a director and is undone. Within
`SETTLE_SECONDS` there must be `CALM_SECONDS` in which one director is ACTIVE and alone holds the
address. At the end no log has a traceback, and the processes are not much larger than after the
first rounds. Exit 1 with the fault; then the logs are kept.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.lab.topology import Host, Network
from hadirector.status.report import Status
from tests.lab.experiment import start_director
from tests.waiting import eventually
from vrrp.model.report import State

ADDRESS = "10.99.0.100"
SETTLE_SECONDS = 15.0
CALM_SECONDS = 2.0
WARM_ROUNDS = 10
GROWTH_MAX = 1.5
CONFIGURATION = """\
director: {{name: {name}, dataplane: dry-run, realtime: true,
  runtime_directory: {directory}/{name}}}
vrrp:
  - name: web
    interface: eth0
    virtual_router_id: 51
    priority: {priority}
    advert_interval: 200ms
    virtual_addresses: [{address}]
"""


class Director:
    """One director, and the events that can befall it."""

    def __init__(self, host: Host, directory: Path, chance: random.Random) -> None:
        self.host = host
        self.log = directory / f"{host.name}.log"
        self._directory = directory
        self._random = chance
        self._socket = directory / host.name / "api.sock"
        self.start()

    def start(self) -> None:
        """Start it again with another priority, and wait until it answers."""
        self._process = start_director(self.host, self._configuration(), self._directory)
        eventually(self._answers, 30.0, f"{self.host.name} answers")

    def state(self) -> State | None:
        """Return the state of its instance, or None if it has none yet. Raises ApiError."""
        return next((each.state for each in self.status().instances), None)

    def status(self) -> Status:
        """Return its status. Raises ApiError."""
        answer = request(str(self._socket), "GET", "/v1/status")
        return msgspec.json.decode(answer, type=Status)

    def holds(self) -> bool:
        """Return whether its kernel has the address."""
        return self.host.holds(ADDRESS)

    def resident_kilobytes(self) -> int:
        """Return the memory of all its processes (proc(5), status)."""
        lines = (Path(f"/proc/{pid}/status").read_text() for pid in self.host.pids())
        return sum(int(text.partition("VmRSS:")[2].split()[0]) for text in lines)

    def happenings(self) -> list[tuple[str, Callable[[], None]]]:
        """Return the events. Each undoes itself before it returns."""
        return [
            ("is stopped and started", self._stop),
            ("is killed and started", self._crash),
            ("loses its vrrp process", self._lose_vrrp_process),
            ("freezes", self._freeze),
            ("loses its link", self._lose_link),
            ("loses the address to somebody", self._lose_address),
            ("is told to hand over, and to compete again", self._hand_over),
            ("is reloaded with another priority", self._reload),
            ("restarts", self._restart),
        ]

    def _configuration(self) -> str:
        return CONFIGURATION.format(
            name=self.host.name,
            directory=self._directory,
            priority=self._random.randint(1, 254),
            address=ADDRESS,
        )

    def _answers(self) -> bool:
        try:
            self.status()
        except ApiError:
            return False
        return True

    def _pause(self) -> None:
        time.sleep(self._random.uniform(0.0, 1.5))

    def _command(self, *words: str) -> None:
        command = (sys.executable, "-m", "hadirector", *words, "--socket", str(self._socket))
        self.host.run(*command)

    def _stop(self) -> None:
        status = self.host.stop(self._process)
        assert status == 0, f"{self.host.name} ended with status {status}"
        self._pause()
        self.start()

    def _crash(self) -> None:
        self.host.kill_processes()
        self._pause()
        self.start()

    def _vrrp_process(self) -> int:
        processes = {each.name: each.pid for each in self.status().processes}
        pid = processes["vrrp"]
        assert pid is not None
        return pid

    def _lose_vrrp_process(self) -> None:
        os.kill(self._vrrp_process(), signal.SIGKILL)

    def _freeze(self) -> None:
        pid = self._vrrp_process()
        os.kill(pid, signal.SIGSTOP)
        self._pause()
        os.kill(pid, signal.SIGCONT)

    def _lose_link(self) -> None:
        self.host.link_down()
        self._pause()
        self.host.link_up()

    def _lose_address(self) -> None:
        self.host.run("ip", "address", "delete", f"{ADDRESS}/32", "dev", "eth0", check=False)

    def _hand_over(self) -> None:
        self._command("handover")
        self._pause()
        self._command("handover", "--undo")

    def _reload(self) -> None:
        (self._directory / f"{self.host.name}.yaml").write_text(self._configuration())
        self._command("reload")

    def _restart(self) -> None:
        self._command("restart")


class Soak:
    """The pair, and its promises."""

    def __init__(self, network: Network, directory: Path, seed: int) -> None:
        self._random = random.Random(seed)
        hosts = (network.host("one", "10.99.0.1/24"), network.host("two", "10.99.0.2/24"))
        self._directors = [Director(host, directory, self._random) for host in hosts]
        self._settle()

    def round(self) -> str:
        """Play one event and check the promises; return the event."""
        director = self._random.choice(self._directors)
        what, happen = self._random.choice(director.happenings())
        story = f"{director.host.name} {what}"
        try:
            happen()
            self._settle()
        except (TimeoutError, AssertionError, ApiError, subprocess.CalledProcessError) as failure:
            failure.add_note(story)
            raise
        return story

    def kilobytes(self) -> int:
        """Return the memory of all processes."""
        return sum(each.resident_kilobytes() for each in self._directors)

    def crashes(self) -> list[str]:
        """Return the names of logs with a traceback."""
        logs = [each.log for each in self._directors]
        return [log.name for log in logs if "Traceback" in log.read_text()]

    def _settle(self) -> None:
        """Wait until all is in order.

        A router that returns with a higher priority takes over in that time.
        """
        eventually(self._stays_in_order, SETTLE_SECONDS, "one ACTIVE with the address, one BACKUP")

    def _stays_in_order(self) -> bool:
        end = time.monotonic() + CALM_SECONDS
        while self._in_order():
            if time.monotonic() > end:
                return True
            time.sleep(0.05)
        return False

    def _holders(self) -> list[str]:
        return [each.host.name for each in self._directors if each.holds()]

    def _in_order(self) -> bool:
        states = {each.host.name: each.state() for each in self._directors}
        active = [name for name, state in states.items() if state is State.ACTIVE]
        one_of_each = set(states.values()) == {State.ACTIVE, State.BACKUP}
        return one_of_each and self._holders() == active


def soak(directory: Path, seed: int, minutes: float) -> None:
    """Play rounds for this time. Raises AssertionError or TimeoutError if a promise is broken."""
    with Network() as network:
        pair = Soak(network, directory, seed)
        end, small = time.monotonic() + 60 * minutes, 0
        for number in itertools.count(1):
            print(f"{number:5} {pair.round()}", flush=True)
            if number == WARM_ROUNDS:
                small = pair.kilobytes()
            if time.monotonic() > end and number >= WARM_ROUNDS:
                break
        grown = pair.kilobytes()
        print(f"{number} rounds, memory {small} kB after {WARM_ROUNDS}, {grown} kB at the end")
        assert grown <= GROWTH_MAX * small, "they have grown"
        assert pair.crashes() == []


def main() -> int:
    """Soak the pair; return 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.pair")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="hadirector-soak-"))
    print(f"seed {options.seed}, logs in {directory}", flush=True)
    soak(directory, options.seed, options.minutes)
    shutil.rmtree(directory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
