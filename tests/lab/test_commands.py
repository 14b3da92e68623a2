"""The commands as a shell and a user with Ctrl-C see them, without privilege."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

HADIRECTOR = [sys.executable, "-m", "hadirector"]
CONFIGURATION = """
director: {{name: lb1, dataplane: userspace, runtime_directory: {runtime}}}
virtual_servers:
  - name: web
    address: 127.0.0.140:18240
    scheduler: rr
    real_servers: [{{address: 127.0.0.1:9}}]
"""


def configuration(directory: Path, runtime: Path | None = None) -> str:
    file = directory / "hadirector.yaml"
    file.write_text(CONFIGURATION.format(runtime=runtime or directory / "run"))
    return str(file)


def test_a_reader_that_closes_the_pipe_early_is_no_fault(tmp_path: Path) -> None:
    """As in ``hadirector check-config FILE | true``: there is no traceback."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*HADIRECTOR, "check-config", configuration(tmp_path)],
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=30,
        check=False,
    )
    os.close(writing)
    assert done.stderr == b""


@pytest.mark.parametrize("after", [0.2, 0.35, 0.5, 0.7])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_director_that_is_starting_can_be_stopped(
    tmp_path: Path, number: signal.Signals, after: float
) -> None:
    """At any moment of the start: there is no traceback, and no process is left in the session."""
    director = subprocess.Popen(
        # A shell that runs the tests in the background makes them ignore SIGINT.
        ["env", "--default-signal=INT", *HADIRECTOR, "run", "-c", configuration(tmp_path)],
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    time.sleep(after)
    director.send_signal(number)
    _, said = director.communicate(timeout=20)
    # On a slow machine the program may not have begun; then the signal ends it directly.
    assert director.returncode in {0, -number}
    if director.returncode == 0:
        assert b"Traceback" not in said
    with pytest.raises(ProcessLookupError):
        os.killpg(director.pid, 0)


def test_a_runtime_directory_that_cannot_be_created_is_named_with_its_key(tmp_path: Path) -> None:
    """The message is not an errno."""
    (tmp_path / "file").touch()
    file = configuration(tmp_path, runtime=tmp_path / "file" / "run")
    done = subprocess.run(
        [*HADIRECTOR, "run", "-c", file], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 2
    assert done.stderr == f"runtime_directory: {tmp_path / 'file' / 'run'}: Not a directory\n"
