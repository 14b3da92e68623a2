"""Who ordered what: the proven author, and texts that cannot control a terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from hadirector.api.client import BadRequestError, request
from hadirector.events.event_log import Page
from tests.lab.loopback import RunningDirector
from tests.waiting import eventually

NAME = "web/127.0.35.2:80"
PLACE = "/v1/virtual-servers/web/real-servers/127.0.35.2:80/override"
HOSTILE = "\x9b2J\u202egnp.exe\u2028"
PROGRAM = str(Path(sys.executable).with_name("hadirector"))


@pytest.fixture
def director(tmp_path: Path) -> Iterator[RunningDirector]:
    directory = tmp_path / "lb1"
    running = RunningDirector(
        directory,
        f"director: {{name: lb1, dataplane: userspace, runtime_directory: {directory}/run,"
        f" state_directory: {directory}/state}}\n"
        f"api: {{unix: {directory}/run/api.sock}}\n"
        "virtual_servers:\n"
        "  - {name: web, address: '127.0.35.1:8035', scheduler: rr, forwarding: nat,"
        " check: none, real_servers: [{address: '127.0.35.2:80'}]}\n",
    )
    try:
        eventually(running.answers, 30.0, "the API")
        yield running
    finally:
        running.end()


def path(director: RunningDirector) -> str:
    return str(director.directory / "run/api.sock")


def order(director: RunningDirector, **fields: str) -> bytes:
    body = {"action": "disable", **fields}
    return request(path(director), "PUT", PLACE, body)


@pytest.mark.parametrize("key", ["reason", "ticket"])
def test_a_text_that_could_control_a_terminal_is_refused(
    director: RunningDirector, key: str
) -> None:
    with pytest.raises(BadRequestError, match=f"the {key} has a character that is not printable"):
        order(director, **{key: HOSTILE})


def test_no_command_prints_a_text_that_controls_the_terminal(director: RunningDirector) -> None:
    """The override is from an earlier version, which accepted such a reason."""
    order(director, reason="REASON")
    director.process.terminate()
    director.process.wait()
    for name in ("state/overrides.json", "run/events.json"):
        file = director.directory / name
        file.write_text(file.read_text().replace("REASON", HOSTILE))
    director.process = director._start()
    eventually(director.answers, 30.0, "the API")
    commands = (
        ["status", "--all"],
        ["status", "--json"],
        ["why", NAME],
        ["why", NAME, "--json"],
        ["events"],
        ["events", "--json"],
        ["enable", NAME],
    )
    for words in commands:
        done = subprocess.run(
            [PROGRAM, *words, "--socket", path(director)],
            check=words[0] != "status",
            capture_output=True,
            env=os.environ | {"PYTHONIOENCODING": "utf-8"},
        )
        text = done.stdout.decode()
        assert text.replace("\n", "").isprintable(), words
        assert "\\u009b2J\\u202egnp.exe\\u2028" in text, words
        if words == ["status", "--json"]:
            [server] = json.loads(text)["virtual_servers"]
            assert HOSTILE in server["real_servers"][0]["weight_reason"]


@pytest.mark.netns
def test_the_actor_is_the_user_of_the_process(
    director: RunningDirector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user that a client names is shown as a claim."""
    monkeypatch.setenv("SUDO_USER", "ann")
    override = json.loads(order(director))
    assert override["description"] == "disabled, by unix:root (claimed: sudo:ann)"
    assert (override["actor"], override["claimed"]) == ("unix:root", "sudo:ann")
    socket = director.directory / "run/api.sock"
    socket.chmod(0o666)
    for directory in (director.directory / "run", director.directory, *director.directory.parents):
        if directory.stat().st_uid == os.geteuid() and directory != Path("/"):
            directory.chmod(directory.stat().st_mode | 0o055)
    body = json.dumps({"action": "disable"})
    program = (
        "import os, socket, sys; os.setgid(65534); os.setuid(65534)\n"
        "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])\n"
        "for order in sys.argv[2:]: s.sendall(order.encode()); print(s.recv(4096).decode())\n"
    )
    head = "{} HTTP/1.1\r\nHost: x\r\nHadirector-Claimed: root\r\nContent-Length: {}\r\n\r\n{}"
    done = subprocess.run(
        [
            *(sys.executable, "-c", program, str(socket)),
            head.format(f"PUT {PLACE}", len(body), body),
            head.format("POST /v1/reload", 0, ""),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    assert "disabled, by unix:nobody (claimed: root)" in done.stdout
    page = msgspec.json.decode(request(path(director), "GET", "/v1/events"), type=Page)
    [ordered] = [event for event in page.events if event.fields.get("request") == "POST /v1/reload"]
    assert ordered.fields["actor"] == "unix:nobody"
