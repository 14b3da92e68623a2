"""A file check requests a weight; the wanted weight of the real server follows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.status.report import Status
from tests.waiting import eventually

CONFIGURATION = """\
director: {{dataplane: dry-run, runtime_directory: {directory}}}
virtual_servers:
  - name: web
    address: 127.0.0.1:1
    check: {{type: file, file: {directory}/agent, interval: 50ms, fall: 1, rise: 1}}
    real_servers: [{{address: 127.0.0.2, weight: 10}}]
"""


def wanted_weight(directory: Path) -> int | None:
    try:
        answer = request(f"{directory}/api.sock", "GET", "/v1/status")
    except ApiError:
        return -1
    (server,) = msgspec.json.decode(answer, type=Status).virtual_servers
    return server.real_servers[0].wanted_weight


def test_a_real_server_gets_the_weight_that_its_file_requests(tmp_path: Path) -> None:
    """Full weight, half, no more than the full weight, weight 0, removed, and full weight again."""
    (tmp_path / "file").write_text(CONFIGURATION.format(directory=tmp_path))
    says = tmp_path / "agent"
    says.write_text("up")
    command = [sys.executable, "-m", "hadirector", "run", "-c", str(tmp_path / "file")]
    with (tmp_path / "director.log").open("w") as log:
        director = subprocess.Popen(command, stderr=log)
    try:
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
    finally:
        director.terminate()
        director.wait(timeout=10)
