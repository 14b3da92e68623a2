"""A director uses its own section of a file that serves two hosts, also after a reload."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from hadirector.api.client import ApiError, request
from hadirector.cli import main
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(60)

TEXT = """\
director: {{dataplane: dry-run, runtime_directory: {directory}/run, check: none}}
virtual_servers:
  - {{name: web, address: 127.0.15.100:80, real_servers: [{{address: 127.0.15.1}}]}}
hosts:
  lb1: {{virtual_servers: {{web: {{scheduler: rr}}}}}}
  lb2: {{virtual_servers: {{web: {{scheduler: wrr}}}}}}
"""


def status(socket: str) -> tuple[str, str] | None:
    with suppress(ApiError):
        found = msgspec.json.decode(request(socket, "GET", "/v1/status"))
        return found["name"], found["virtual_servers"][0]["scheduler"]
    return None


def test_a_director_keeps_its_host_in_a_plan_and_in_a_reload(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, socket = tmp_path / "both.yaml", f"{tmp_path}/run/api.sock"
    text = TEXT.format(directory=tmp_path)
    file.write_text(text)
    command = [sys.executable, "-m", "hadirector", "run", "--host", "lb2", "-c", str(file)]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, stderr=log)
    try:
        eventually(lambda: status(socket) == ("lb2", "wrr"), 20.0, "the section of lb2")
        file.write_text(text.replace("wrr", "sed").replace("{scheduler: rr", "{scheduler: nq"))
        assert main(["plan", "-c", str(file), "--socket", socket]) == 0
        assert "edit service tcp 127.0.15.100:80 (sed), was wrr" in capsys.readouterr().out
        assert main(["reload", "--socket", socket]) == 0
        eventually(lambda: status(socket) == ("lb2", "sed"), 10.0, "the new scheduler")
        file.write_text(text.replace("{scheduler: rr", "{scheduler: wrong"))
        assert main(["reload", "--socket", socket]) == 1
        assert f"{file}:5:44: host lb1: virtual_servers[0].scheduler" in capsys.readouterr().err
    finally:
        process.terminate()
        assert process.wait(20.0) == 0
