"""Standard streams that are full or closed do not decide how a director or a command ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import eventually

PROGRAM = str(Path(sys.executable).with_name("hadirector"))
BUFFERED = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
"""The usual environment: Python then has a buffer, whose rest it writes at its exit."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "director.yaml"
    made.write_text(
        f"director: {{name: lb1, dataplane: userspace, runtime_directory: {tmp_path}/run}}\n"
        f"api: {{unix: {tmp_path}/api.sock}}\n"
        "virtual_servers:\n"
        "  - {name: web, address: '127.0.34.1:8034', scheduler: rr, forwarding: nat,"
        " check: {type: tcp}, real_servers: [{address: '127.0.34.2:1'}]}\n"
    )
    return made


def run(file: Path, redirection: str) -> tuple[int, list[str]]:
    """Run a director until its API answers, and stop it.

    Return its exit code, and the files that its standard descriptors had.
    """
    shell = f'exec "{PROGRAM}" run -c "{file}" {redirection}'
    with subprocess.Popen(["sh", "-c", shell], env=BUFFERED) as director:
        socket = file.with_name("api.sock")
        eventually(lambda: socket.exists() or director.poll() is not None, 20.0, "the API")
        files = [os.readlink(f"/proc/{director.pid}/fd/{number}") for number in (0, 1, 2)]
        director.terminate()
        return director.wait(timeout=20), files


@pytest.mark.parametrize(
    "redirection", ["2> /dev/full", "> /dev/full 2> /dev/full", "2> /dev/full >&-"]
)
def test_a_log_that_cannot_be_written_does_not_decide_the_exit_code(
    file: Path, redirection: str
) -> None:
    assert run(file, redirection)[0] == 0


def test_closed_descriptors_are_not_used_for_other_files(file: Path) -> None:
    code, files = run(file, "<&- >&- 2>&-")
    assert (code, set(files)) == (0, {"/dev/null"})


def command(*arguments: str, redirection: str = "") -> subprocess.CompletedProcess[str]:
    shell = f'"{PROGRAM}" "$@" {redirection}'
    return subprocess.run(
        ["sh", "-c", shell, "sh", *arguments],
        check=False,
        capture_output=True,
        text=True,
        env=BUFFERED,
    )


def test_a_command_whose_output_cannot_be_written_fails_in_one_line(file: Path) -> None:
    done = command("check-config", str(file), redirection="> /dev/full")
    assert (done.returncode, done.stderr) == (
        1,
        "hadirector: standard output: No space left on device\n",
    )


def test_messages_that_cannot_be_written_do_not_change_the_exit_code(file: Path) -> None:
    missing = str(file.with_name("missing.yaml"))
    assert command("check-config", str(file), redirection="2> /dev/full").returncode == 0
    assert command("check-config", missing, redirection="2> /dev/full").returncode == 2
