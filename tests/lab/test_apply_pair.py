"""`apply --pair` changes both directors of a pair, or neither."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hadirector.api.client import ApiError, request
from hadirector.cli import main
from tests.lab.loopback import free_ports
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
VRRP = """\
vrrp:
  - name: web
    interface: lo
    virtual_router_id: 51
    advert_interval: {interval}
    virtual_addresses: [127.0.15.100]
    transport: udp
    unicast: {{source: 127.0.15.1, peers: [127.0.15.2], port: {port}}}
hosts:
  lb1:
    director: {{runtime_directory: {directory}/lb1}}
    vrrp: {{web: {{priority: {priority}}}}}
  lb2:
    director: {{runtime_directory: {directory}/lb2}}
    vrrp: {{web: {{priority: 100, unicast: {{source: 127.0.15.2, peers: [127.0.15.1]}}}}}}
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
    """Two directors without elections; return the directory with their files and sockets."""
    with running_pair(tmp_path, TEXT.format(directory=tmp_path)):
        yield tmp_path


@contextmanager
def running_pair(tmp_path: Path, text: str) -> Iterator[None]:
    """Run two directors on loopback during the context."""
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
        yield
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


def instances(directory: Path) -> list[tuple[str, int]]:
    """Return the state and the priority of the instance on both directors."""
    found = [ask(directory, name, "/v1/status").get("instances") for name in NAMES]
    return [(each[0]["state"], each[0]["priority"]) for each in found if each]


@pytest.mark.netns
def test_the_backup_director_changes_first_and_the_roles_stay(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The ACTIVE director refuses the last change, and the BACKUP director undoes it."""
    [port] = free_ports(1)

    def text(scheduler: str, interval: str, priority: int) -> str:
        head = TEXT.partition("hosts:")[0].replace("rr", scheduler)
        values = {"port": port, "interval": interval, "priority": priority}
        return (head + VRRP).format(directory=tmp_path, **values)

    def roles_changed() -> list[int]:
        logs = (tmp_path / f"{name}.log" for name in NAMES)
        return [log.read_text().count('"event": "vrrp_state_changed"') for log in logs]

    roles = [("ACTIVE", 200), ("BACKUP", 100)]
    with running_pair(tmp_path, text("rr", "200ms", 200)):
        eventually(lambda: instances(tmp_path), 20.0, "the roles", expected=roles)
        before = roles_changed()
        file = tmp_path / "new.yaml"
        file.write_text(text("wrr", "100ms", 200))
        assert command(tmp_path, "apply", str(file)) == 0
        told = capsys.readouterr().out
        assert told.index("lb2: configuration 2 runs") < told.index("lb1: configuration 2 runs")
        eventually(lambda: schedulers(tmp_path), 10.0, expected=["wrr", "wrr"])

        file.write_text(text("nq", "100ms", 200))
        alone = ["apply", str(file), "--confirm-within", "60s", "--socket", socket(tmp_path, "lb1")]
        assert main(alone) == 0
        file.write_text(text("lc", "100ms", 150))
        capsys.readouterr()
        assert command(tmp_path, "apply", str(file)) == 1
        assert "lb2: undone" in capsys.readouterr().err
        eventually(lambda: schedulers(tmp_path), 10.0, expected=["nq", "wrr"])
        assert instances(tmp_path) == roles
        assert roles_changed() == before
