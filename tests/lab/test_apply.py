"""Applying a configuration by commands, with a real director that is restarted and killed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hadirector.api.client import ApiError, request
from tests.lab.loopback import RunningDirector
from tests.waiting import eventually

PROGRAM = str(Path(sys.executable).with_name("hadirector"))
CONFIRMATION_SECONDS = 25.0


class Host(RunningDirector):
    """A director, and its commands."""

    @property
    def text(self) -> str:
        return self.file.read_text()

    @property
    def socket(self) -> str:
        return str(self.directory / "run" / "api.sock")

    def command(self, *words: str) -> tuple[int, str]:
        """Run a command; return its exit code and its output."""
        ended = subprocess.run(
            [PROGRAM, *words, "--socket", self.socket],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=60,
        )
        return ended.returncode, ended.stdout

    def serves(self, address: str) -> bool:
        return [each.address for each in self.status().virtual_servers[0].real_servers] == [address]

    def draft(self, text: str) -> str:
        path = self.directory / "draft.yaml"
        path.write_text(text)
        return str(path)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    directory = tmp_path / "lb1"
    running = Host(
        directory,
        f"director: {{name: lb1, dataplane: userspace, runtime_directory: {directory}/run,"
        f" state_directory: {directory}/state}}\n"
        f"api: {{unix: {directory}/run/api.sock}}\n"
        "virtual_servers:\n"
        "  - name: web\n"
        "    address: 127.0.36.1:8036\n"
        "    scheduler: rr\n"
        "    forwarding: nat\n"
        "    check: {type: http, headers: {Authorization: hunter2}}\n"
        "    real_servers: [{address: '127.0.36.2:80'}]\n",
    )
    try:
        eventually(running.answers, 30.0, "the API")
        yield running
    finally:
        running.end()


def test_an_operator_applies_compares_confirms_and_rolls_back(host: Host) -> None:
    first = host.text
    assert json.loads(host.command("diff", "1", "--json")[1]) == {
        "from": 1,
        "to": 1,
        "equal": True,
        "lines": [],
    }
    second = host.draft(first.replace("36.2", "36.3").replace("hunter2", "hunter3"))
    code, output = host.command("apply", second, "--confirm-within", "60s", "--reason", "new web")
    assert (code, "the director undoes it in 60 s unless" in output) == (0, True)
    eventually(lambda: host.serves("127.0.36.3:80"), 5.0)
    code, output = host.command("diff", "1")
    assert code == 1
    assert "-    real_servers: [{address: '127.0.36.2:80'}]" in output
    assert "+    real_servers: [{address: '127.0.36.3:80'}]" in output
    assert output.count("<secret ") == 2
    assert "hunter" not in output
    assert host.command("confirm") == (0, "configuration 2 stays\n")
    code, output = host.command("history", "config")
    lines = output.splitlines()
    assert (code, len(lines)) == (0, 2)
    assert lines[0].startswith("*    2 ")
    assert lines[0].endswith(" apply by unix:root: new web")
    code, output = host.command("rollback", "1")
    assert (code, output) == (0, "configuration 3 runs: change virtual server web\n")
    eventually(lambda: host.serves("127.0.36.2:80"), 5.0)
    assert host.text == first
    assert host.command("history", "config", "9")[0] == 1
    found = json.loads(host.command("apply", second, "--confirm-within", "60s", "--json")[1])
    assert found["plan"]["changed"] == ["virtual server web: real_servers"]
    assert found["applied"] == {
        "number": 4,
        "changed": "change virtual server web",
        "confirm_within": 60.0,
    }
    assert json.loads(host.command("confirm", "--json")[1]) == {"confirmed": 4}
    assert json.loads(host.command("diff", "3", "--json")[1])["lines"][:2] == [
        "--- configuration 3",
        "+++ configuration 4",
    ]
    assert json.loads(host.command("rollback", "1", "--json")[1])["number"] == 5


def test_a_faulty_file_and_a_request_without_the_present_hash_are_refused(host: Host) -> None:
    code, output = host.command("apply", host.draft("virtual_servers: 3\n"))
    assert (code, "draft.yaml:1:18: virtual_servers: " in output) == (2, True)
    assert host.command("apply", str(host.directory / "missing.yaml"))[0] == 2
    text = host.text.replace("36.2", "36.3").encode()
    with pytest.raises(ApiError, match="If-Match is missing"):
        request(host.socket, "POST", "/v1/config/apply", text)
    with pytest.raises(ApiError, match="configuration 1 runs"):
        request(host.socket, "POST", "/v1/config/apply", text, if_match="0" * 64)
    assert host.command("rollback")[0] == 1


def test_the_deadline_survives_a_restart_and_a_kill(host: Host) -> None:
    """The unconfirmed file is even broken meanwhile; the next start uses the former file."""
    first = host.text
    draft = host.draft(first.replace("36.2", "36.3"))
    words = ("--confirm-within", f"{CONFIRMATION_SECONDS:g}s")
    assert host.command("apply", draft, *words)[0] == 0
    began = time.monotonic()
    assert host.command("restart")[0] == 0
    eventually(lambda: host.serves("127.0.36.3:80"), 10.0)
    assert "configuration 2 waits for its confirmation" in host.command("history", "config")[1]
    host.kill_itself()
    host.file.write_text("broken: [")
    time.sleep(max(0.0, began + CONFIRMATION_SECONDS + 0.5 - time.monotonic()))
    host.start_again()
    eventually(host.answers, 30.0, "the API")
    assert host.serves("127.0.36.2:80")
    assert host.text == first
    assert "configuration_undone" in host.log
    assert (
        "undone: the configuration was not confirmed in time"
        in host.command("history", "config")[1]
    )
