"""The demo leaves nothing behind. That its promises hold is for ``make demo`` itself to show."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from hadirector.demo.demo import DIRECTORY_PREFIX, SHORT

DEMO = [sys.executable, "-m", "hadirector", "demo"]


def children(parent: int) -> list[Path]:
    """The processes started by ``parent`` that still run (proc(5), stat)."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # ended while we looked
            state, ppid = (process / "stat").read_text().rpartition(") ")[2].split()[:2]
            if int(ppid) == parent and state != "Z":
                found.append(process)
    return found


def directories() -> set[Path]:
    return set(Path(SHORT).glob(f"{DIRECTORY_PREFIX}*"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_ends_its_processes_and_removes_its_files(
    number: signal.Signals,
) -> None:
    before = directories()
    demo = subprocess.Popen(DEMO, stdout=subprocess.PIPE, text=True)
    assert demo.stdout is not None
    try:
        for line in demo.stdout:
            if "is BACKUP" in line:
                break
        actors = children(demo.pid)
        assert len(actors) == 5  # three web servers and two directors
        everyone = [*actors, *(child for actor in actors for child in children(int(actor.name)))]
        assert len(directories() - before) == 1
        demo.send_signal(number)
        said, _ = demo.communicate(timeout=20)
    finally:
        demo.kill()
        demo.wait()
        demo.stdout.close()
    assert demo.returncode == 130
    assert said.endswith("everything has been ended\n")
    assert [process for process in everyone if process.exists()] == []
    assert directories() == before


def test_a_port_in_use_is_named_before_anything_is_started() -> None:
    with socket.create_server(("127.0.1.12", 18081)):
        demo = subprocess.run(DEMO, capture_output=True, text=True, timeout=20, check=False)
    assert demo.returncode == 2
    assert demo.stdout == (
        "demo: tcp 127.0.1.12:18081 cannot be used: Address already in use; "
        "end what uses it (another demo?) and start again\n"
    )
