"""`hadirector plan` lists what a reload would change in a running director, and changes nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from hadirector.api.client import ApiError, request
from hadirector.cli import main
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(60)

START_SECONDS = 20.0
TEXT = """\
director: {{name: lb1, dataplane: dry-run, runtime_directory: {directory}/run, check: none}}
virtual_servers:
  - name: web
    address: 127.0.15.100:80
    scheduler: rr
    real_servers:
      - {{address: 127.0.15.1}}
      - {{address: 127.0.15.2}}
"""


class Running:
    """A director, and the file that it has read."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "hadirector.yaml"
        self.text = TEXT.format(directory=directory)
        self.file.write_text(self.text)
        self.socket = f"{directory}/run/api.sock"
        command = [sys.executable, "-m", "hadirector", "run", "-c", str(self.file)]
        with (directory / "director.log").open("w") as log:
            self.process = subprocess.Popen(command, stderr=log)

    def status(self) -> bytes:
        return request(self.socket, "GET", "/v1/status")

    def ready(self) -> bool:
        with suppress(ApiError):
            return self.status().count(b'"actual_weight":1') == 2
        return False

    def command(self, name: str, *arguments: str) -> int:
        return main([name, *arguments, "--socket", self.socket])


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    made = Running(tmp_path_factory.mktemp("plan"))
    try:
        eventually(made.ready, START_SECONDS)
        yield made
    finally:
        made.process.terminate()
        made.process.wait(20.0)


def test_a_plan_lists_what_the_reload_then_does(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    """The plan is made for a file beside the real one. After the reload the plan is empty."""
    changed = running.file.with_name("new.yaml")
    changed.write_text(running.text.replace("rr", "wrr").replace("127.0.15.2}", "127.0.15.3}"))
    before = running.status()
    assert running.command("plan", "-c", str(changed)) == 0
    assert capsys.readouterr().out.splitlines() == [
        "change virtual server web: scheduler, real_servers",
        "table:",
        "  edit service tcp 127.0.15.100:80 (wrr), was rr",
        "  add destination 127.0.15.3:80 to tcp 127.0.15.100:80 (nat, weight 1)",
        "  edit destination 127.0.15.2:80 of tcp 127.0.15.100:80 (nat, weight 0),"
        " was nat, weight 1",
        "outgoing: weight 0, and removed 10 s later:",
        "  web/127.0.15.2:80 (at once)",
    ]
    assert running.status() == before

    assert running.command("plan", "--json", "-c", str(changed)) == 0
    told = msgspec.json.decode(capsys.readouterr().out, type=dict[str, object])
    assert told["changed"] == ["virtual server web: scheduler, real_servers"]

    changed.replace(running.file)
    assert running.command("reload") == 0
    eventually(
        lambda: b"127.0.15.3:80" in running.status(), 10.0, "the real server in the new status"
    )
    eventually(running.ready, 10.0)
    capsys.readouterr()
    assert running.command("plan", "-c", str(running.file)) == 0
    assert capsys.readouterr().out == "nothing would change\n"


def test_a_plan_for_a_file_that_a_reload_would_refuse_exits_1(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    other = running.file.with_name("other.yaml")
    other.write_text(running.text.replace("lb1", "lb2"))
    assert running.command("plan", "-c", str(other)) == 1
    assert capsys.readouterr().err == (
        "a reload would be refused: name cannot change from lb1 to lb2 without a restart\n"
    )


def test_every_fault_of_a_wrong_file_is_reported_at_its_place(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = running.file.with_name("wrong.yaml")
    wrong.write_text("vrrp: 3\nvirtual_servers: [{address: nowhere}]\n")
    assert running.command("plan", "-c", str(wrong)) == 2
    said = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[0] for line in said] == [f"{wrong}:1:7", f"{wrong}:2:29"]


@pytest.mark.parametrize("size", [0, 40 * 1024 * 1024])
def test_a_file_without_a_configuration_is_a_fault(
    running: Running, capsys: pytest.CaptureFixture[str], size: int
) -> None:
    """Also a file larger than any configuration."""
    file = running.file.with_name("size.yaml")
    with file.open("wb") as opened:
        opened.truncate(size)
    assert running.command("plan", "-c", str(file)) == 2
    assert str(file) in capsys.readouterr().err


def test_without_a_file_or_a_director_the_reason_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "missing"
    assert main(["plan", "-c", str(missing), "--socket", str(missing)]) == 2
    assert (
        capsys.readouterr().err
        == f"{missing}: the file cannot be read: No such file or directory\n"
    )
    missing.write_text("vrrp: []")
    nobody = str(tmp_path / "api.sock")
    assert main(["plan", "-c", str(missing), "--socket", nobody]) == 1
    assert "no director answers" in capsys.readouterr().err
