"""A file or a script requests a weight; the wanted weight of the real server follows."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from hadirector.api.client import ApiError, request
from hadirector.status.report import Status
from tests.waiting import eventually

CONFIGURATION = """\
director: {{dataplane: dry-run, runtime_directory: {directory}}}
virtual_servers:
  - name: web
    address: 127.0.0.1:1
    check: {{{check}, interval: 50ms, fall: 1, rise: 1}}
    real_servers: [{{address: 127.0.0.2, weight: 10}}]
"""


def wanted_weight(directory: Path) -> int | None:
    try:
        answer = request(f"{directory}/api.sock", "GET", "/v1/status")
    except ApiError:
        return -1
    (server,) = msgspec.json.decode(answer, type=Status).virtual_servers
    return server.real_servers[0].wanted_weight


@contextmanager
def director(directory: Path, check: str) -> Iterator[None]:
    """Run a director with one real server of weight 10, which has this check."""
    file = directory / "file"
    file.write_text(CONFIGURATION.format(directory=directory, check=check))
    command = [sys.executable, "-m", "hadirector", "run", "-c", str(file)]
    with (directory / "director.log").open("w") as log:
        running = subprocess.Popen(command, stderr=log)
    try:
        yield
    finally:
        running.terminate()
        running.wait(timeout=10)


def test_a_real_server_gets_the_weight_that_its_file_requests(tmp_path: Path) -> None:
    """Full weight, half, no more than the full weight, weight 0, removed, and full weight again."""
    says = tmp_path / "agent"
    says.write_text("up")
    with director(tmp_path, f"type: file, file: {says}"):
        for words, weight in (
            ("up", 10),
            ("50%", 5),
            ("1000%", 10),
            ("50%", 5),
            ("drain", 0),
            ("maint", None),
            ("up", 10),
        ):
            says.write_text(words)
            eventually(lambda: wanted_weight(tmp_path), 10.0, words, expected=weight)


@pytest.mark.netns  # a script that belongs to root runs as root
def test_a_real_server_gets_the_weight_of_the_exit_status_of_its_script(tmp_path: Path) -> None:
    """The configured weight, weights below and above it, weight 0, and removed.

    The weight of an earlier status does not return with status 0.
    """
    status, script = tmp_path / "status", tmp_path / "script"
    status.write_text("0")
    script.write_text(f"#!/bin/sh\nexit $(cat {status})\n")
    script.chmod(0o755)
    keys = "append: [], user: root, exit_weight: true"
    with director(tmp_path, f"type: script, script: {script}, {keys}"):
        for code, weight in ((0, 10), (7, 5), (255, 253), (2, 0), (1, None), (0, 10)):
            (tmp_path / "next").write_text(str(code))
            (tmp_path / "next").rename(status)
            eventually(lambda: wanted_weight(tmp_path), 10.0, str(code), expected=weight)
