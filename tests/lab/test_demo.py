"""The demo leaves no process and no file behind. ``make demo`` itself checks the promises."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from hadirector.demo.runner import DIRECTORY_PREFIX, PARENT

DEMO = [sys.executable, "-m", "hadirector", "demo"]


def children(parent: int) -> list[Path]:
    """The processes started by ``parent`` that still run (proc(5), stat)."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # the process has ended
            state, ppid = (process / "stat").read_text().rpartition(") ")[2].split()[:2]
            if int(ppid) == parent and state != "Z":
                found.append(process)
    return found


def directories() -> set[Path]:
    return set(Path(PARENT).glob(f"{DIRECTORY_PREFIX}*"))


@pytest.mark.parametrize(
    ("number", "options", "started", "line_of_a_start"),
    [
        (signal.SIGINT, (), 5, "is BACKUP"),  # three web servers and two directors
        (signal.SIGTERM, (), 5, "is BACKUP"),
        # Three web servers, four directors, the stand-in of the router and two clients.
        (signal.SIGTERM, ("--directors", "4", "--dataplane", "userspace"), 10, "steady traffic"),
    ],
)
def test_an_interrupted_demo_ends_its_processes_and_removes_its_files(
    number: signal.Signals, options: tuple[str, ...], started: int, line_of_a_start: str
) -> None:
    before = directories()
    demo = subprocess.Popen([*DEMO, *options], stdout=subprocess.PIPE, text=True)
    assert demo.stdout is not None
    try:
        for line in demo.stdout:
            if line_of_a_start in line:
                break
        parents = children(demo.pid)
        assert len(parents) == started
        processes = [
            *parents,
            *(child for parent in parents for child in children(int(parent.name))),
        ]
        assert len(directories() - before) == 1
        demo.send_signal(number)
        output, _ = demo.communicate(timeout=20)
    finally:
        demo.kill()
        demo.wait()
        demo.stdout.close()
    assert demo.returncode == 130
    assert output.endswith("all processes have been ended\n")
    assert [process for process in processes if process.exists()] == []
    assert directories() == before


def test_a_port_in_use_is_named_before_anything_is_started() -> None:
    with socket.create_server(("127.0.1.12", 18081)):
        demo = subprocess.run(DEMO, capture_output=True, text=True, timeout=20, check=False)
    assert demo.returncode == 2
    assert demo.stdout == (
        "demo: tcp 127.0.1.12:18081 cannot be used: Address already in use; "
        "end the program that uses it (another demo?) and start again\n"
    )


@pytest.mark.parametrize("number", ["3", "9", "four", "", "-4"])
def test_a_wrong_number_of_directors_is_refused(number: str) -> None:
    demo = subprocess.run(
        [*DEMO, f"--directors={number}"], capture_output=True, text=True, timeout=20, check=False
    )
    assert demo.returncode == 2
    assert demo.stderr.endswith(
        f"argument --directors: {number!r} (expected 2 for a pair, or 4 to 8)\n"
    )
