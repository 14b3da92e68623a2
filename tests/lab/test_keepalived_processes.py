"""keepalived and the tracked processes of the same keepalived.conf agree on which are up."""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from hadirector.config import load
from hadirector.election.process_counter import ProcessCounter, Report
from tests.lab.process_events import needs_process_events
from tests.waiting import eventually
from vrrp.model.tracked_process import ProcessPattern, TrackedProcess

pytestmark = [
    pytest.mark.keepalived,
    pytest.mark.timeout(60),
    needs_process_events,
]

INTERFACE = "hdr-procs0"
DEFINITIONS = {
    "name": "process compared-proc",
    "full": "process {path}\nfull_command",
    "exact": "process {path} 1000 0.5",
    "empty": "process {path}\nparam_match",
    "first": "process {path} 1000\nparam_match partial",
    "shorter": "process {path} 100\nparam_match partial",
    "prefix": "process {path} 1000 0\nparam_match initial",
    "two": "process compared-proc\nquorum 2",
    "most": "process compared-proc\nquorum_max 1",
    "none": "process compared-proc\nquorum_max 0",
}


def text(path: Path) -> str:
    """Return the keepalived.conf. No peer hears it: its interface leads nowhere."""
    definitions = "".join(
        f"vrrp_track_process {name} {{\n{lines.format(path=path)}\n}}\n"
        for name, lines in DEFINITIONS.items()
    )
    tracked = "".join(f"{name} weight 1\n" for name in DEFINITIONS)
    return (
        f"{definitions}vrrp_instance V {{\ninterface {INTERFACE}\nvirtual_router_id 77\n"
        "priority 100\nvirtual_ipaddress {\n10.99.77.1/32\n}\n"
        f"track_process {{\n{tracked}}}\n}}\n"
    )


class Keepalived:
    """A real keepalived, and what its log says about the processes."""

    def __init__(self, file: Path) -> None:
        self._log = file.with_name("log")
        pids = [f"-p{file.parent}/main.pid", f"-r{file.parent}/vrrp.pid"]
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                ["keepalived", "-n", "-l", "-P", "-D", "-f", str(file), *pids],
                stderr=log,
                stdout=log,
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    def up(self) -> set[str]:
        """Return what is up. Without any process, only "none" is up, and nothing is logged."""
        up = {"none"}
        for change, name in re.findall(r"Quorum (\w+) for tracked process (\w+)", self.log):
            (up.add if change == "gained" else up.discard)(name)
        return up


class Ours:
    """The tracked processes of the same file."""

    def __init__(self, file: Path) -> None:
        found = load(file)
        by_key = {process.key: process for process in found.tracked_processes}
        tracked = [each.key for each in found.vrrp[0].track if each.key.kind == "process"]
        self._processes: Mapping[str, TrackedProcess] = {
            name: by_key[key] for name, key in zip(DEFINITIONS, tracked, strict=True)
        }
        self._counts: Mapping[ProcessPattern, int] = {}
        patterns = [process.pattern for process in self._processes.values()]
        self.counter = ProcessCounter(patterns, self._note)

    def _note(self, report: Report | Exception) -> None:
        assert isinstance(report, Report)
        self._counts = report.counts

    def up(self) -> set[str]:
        counts = self._counts
        return {
            name
            for name, process in self._processes.items()
            if process.pattern in counts and process.is_enough(counts[process.pattern])
        }


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "compared-proc"
    path.symlink_to("/bin/sleep")
    return path


@pytest.fixture
def both(tmp_path: Path, program: Path) -> Iterator[tuple[Keepalived, Ours]]:
    file = tmp_path / "keepalived.conf"
    file.write_text(text(program))
    with contextlib.ExitStack() as stack:
        link = ["ip", "link"]
        subprocess.run([*link, "add", INTERFACE, "type", "veth"], check=True)
        stack.callback(subprocess.run, [*link, "delete", INTERFACE], check=True)
        for command in (
            [*link, "set", INTERFACE, "up"],
            ["ip", "address", "add", "10.99.77.2/24", "dev", INTERFACE],
        ):
            subprocess.run(command, check=True)
        theirs, ours = Keepalived(file), Ours(file)
        stack.callback(theirs.process.wait, 10.0)
        stack.callback(theirs.process.terminate)
        stack.callback(ours.counter.close)
        eventually(lambda: "proc_events has confirmed" in theirs.log, 15.0)
        yield theirs, ours


def test_both_agree_on_each_process(both: tuple[Keepalived, Ours], program: Path) -> None:
    def wait_for(*up: str) -> None:
        for each in both:
            eventually(each.up, 10.0, type(each).__name__, expected=set(up))

    wait_for("none")
    first = subprocess.Popen([program, "1000", "0.5"])
    try:
        wait_for("name", "full", "exact", "first", "prefix", "most")
        second = subprocess.Popen([program, "1000"])
        try:
            wait_for("name", "full", "exact", "first", "prefix", "two")
        finally:
            first.kill()
            first.wait()
        try:
            wait_for("name", "full", "first", "most")
        finally:
            second.kill()
            second.wait()
    finally:
        first.kill()
    wait_for("none")
