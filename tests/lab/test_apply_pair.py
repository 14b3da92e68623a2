"""`apply --pair` changes both directors of a pair, or neither."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hadirector.api.client import ApiError, request
from hadirector.cli import main
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(60)

NAMES = ("lb1", "lb2")
TEXT = """\
director: {{dataplane: dry-run, check: none}}
virtual_servers:
  - {{name: web, address: 127.0.15.100:80, scheduler: rr, real_servers: [{{address: 127.0.15.1}}]}}
hosts:
  lb1: {{director: {{runtime_directory: {directory}/lb1}}}}
  lb2: {{director: {{runtime_directory: {directory}/lb2}}}}
"""


def socket(directory: Path, name: str) -> str:
    return f"{directory}/{name}/api.sock"


def ask(directory: Path, name: str, path: str) -> dict[str, Any]:
    with suppress(ApiError):
        found: dict[str, Any] = msgspec.json.decode(request(socket(directory, name), "GET", path))
        return found
    return {}


def scheduler(directory: Path, name: str) -> str:
    servers = ask(directory, name, "/v1/status").get("virtual_servers")
    return servers[0]["scheduler"] if servers else ""


def schedulers(pair: Path) -> list[str]:
    return [scheduler(pair, name) for name in NAMES]


def knows_its_text(directory: Path, name: str) -> bool:
    return bool(ask(directory, name, "/v1/config").get("running"))


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Path]:
    """Two directors on loopback; return the directory with their files and sockets."""
    text = TEXT.format(directory=tmp_path)
    running = []
    for name in NAMES:
        file = tmp_path / f"{name}.yaml"
        file.write_text(text)
        command = [sys.executable, "-m", "hadirector", "run", "--host", name, "-c", str(file)]
        with (tmp_path / f"{name}.log").open("w") as log:
            running.append(subprocess.Popen(command, stderr=log))
    try:
        eventually(lambda: schedulers(tmp_path), 20.0, expected=["rr", "rr"])
        eventually(lambda: all(map(partial(knows_its_text, tmp_path), NAMES)), 20.0)
        yield tmp_path
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(20.0)


def command(pair: Path, *words: str) -> int:
    peer = ("--pair", socket(pair, "lb2"), "--socket", socket(pair, "lb1"))
    return main([words[0], *words[1:], *peer])


def pending(pair: Path) -> list[bool]:
    return [ask(pair, name, "/v1/config")["pending"] is not None for name in NAMES]


def test_both_directors_change_or_neither_does(
    pair: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = pair / "new.yaml"
    file.write_text(TEXT.format(directory=pair).replace("rr", "wrr"))
    assert command(pair, "apply", str(file)) == 0
    eventually(lambda: schedulers(pair), 10.0, expected=["wrr", "wrr"])
    assert pending(pair) == [False, False]

    file.write_text(TEXT.format(directory=pair).replace("rr", "sed"))
    assert command(pair, "apply", str(file), "--confirm-within", "60s") == 0
    assert "both directors undo it in " in capsys.readouterr().out
    eventually(lambda: schedulers(pair), 10.0, expected=["sed", "sed"])
    assert pending(pair) == [True, True]
    assert command(pair, "rollback") == 0
    eventually(lambda: schedulers(pair), 10.0, expected=["wrr", "wrr"])

    file.write_text(TEXT.format(directory=pair).replace("rr", "nq"))
    alone = ["apply", str(file), "--confirm-within", "60s", "--socket", socket(pair, "lb2")]
    assert main(alone) == 0
    eventually(lambda: schedulers(pair), 10.0, expected=["wrr", "nq"])
    file.write_text(TEXT.format(directory=pair).replace("rr", "lc"))
    capsys.readouterr()
    assert command(pair, "apply", str(file)) == 1
    refusal = capsys.readouterr().err
    assert "lb1: undone" in refusal
    assert "waits for its confirmation" in refusal
    eventually(lambda: schedulers(pair), 10.0, expected=["wrr", "nq"])
    assert pending(pair) == [False, True]
    assert command(pair, "confirm") == 1
