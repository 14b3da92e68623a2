"""The log and the events as an operator reads them at night.

The journal is a file here. A service manager shows with JOURNAL_STREAM that it reads the stream.
"""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from hadirector.api.client import ApiError, request
from hadirector.cli import main
from hadirector.status.report import RealServerStatus, Status
from tests.lab.loopback import WebServer, free_ports
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(60)

CONFIGURATION = """\
director:
  name: lb1
  dataplane: dry-run
  runtime_directory: {directory}/run
  log: {form}
  check: {{type: tcp, interval: 100ms, timeout: 100ms, fall: 1}}
virtual_servers:
  - name: shop
    address: 192.0.2.1:80
    scheduler: rr
    real_servers: [{{address: "127.0.0.1:{port}"}}]
"""


HADIRECTOR = [sys.executable, "-m", "hadirector"]


class Service:
    """A director whose standard error is a journal."""

    def __init__(self, directory: Path, port: int, form: str = "text") -> None:
        self._directory, self._port = directory, port
        self.write(form)
        self.log_file = directory / "log"
        self.start()

    def start(self) -> None:
        directory = self._directory
        with self.log_file.open("ab") as log:
            status = os.fstat(log.fileno())
            self.process = subprocess.Popen(
                [*HADIRECTOR, "run", "-c", str(directory / "lb.yaml")],
                stderr=log,
                env={**os.environ, "JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"},
            )

    def write(self, form: str) -> None:
        text = CONFIGURATION.format(directory=self._directory, port=self._port, form=form)
        (self._directory / "lb.yaml").write_text(text)

    @property
    def socket(self) -> str:
        return f"{self._directory}/run/api.sock"

    def reload(self) -> int:
        return main(["reload", "--socket", self.socket])

    def status(self) -> RealServerStatus | None:
        with suppress(ApiError):
            answer = request(self.socket, "GET", "/v1/status")
            [server] = msgspec.json.decode(answer, type=Status).virtual_servers
            return server.real_servers[0]
        return None

    def lines(self, event: str) -> list[str]:
        return [line for line in self.log_file.read_text().splitlines() if event in line]

    def end(self) -> None:
        with suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()


@pytest.fixture
def web() -> Iterator[WebServer]:
    server = WebServer()
    yield server
    if server.process.poll() is None:
        server.kill()


def test_a_failing_server_and_a_lost_quorum_are_warnings_in_the_journal(
    web: WebServer, tmp_path: Path
) -> None:
    """`journalctl -p warning` shows them. A reload changes the format."""
    service = Service(tmp_path, web.port, "text")
    try:
        eventually(lambda: service.lines("quorum_reached"), 20.0)
        [passed] = service.lines("verdict_changed")
        assert passed.startswith("<6>verdict_changed virtual_servers=[shop] address=127.0.0.1 ")
        web.kill()
        eventually(lambda: service.lines("quorum_lost"), 20.0)
        assert service.lines("quorum_lost") == [
            "<4>quorum_lost virtual_server=shop passing=0 quorum=1"
            " see=docs/operations.md#event-quorum_lost"
        ]
        failed = service.lines("verdict_changed")[-1]
        assert failed.startswith("<4>verdict_changed virtual_servers=[shop] address=127.0.0.1 ")
        assert "verdict=failing" in failed
        service.write("json")
        assert service.reload() == 0
        eventually(lambda: service.lines('<6>{"'), 10.0, "a line in JSON")
    finally:
        service.end()


def on_a_terminal(words: list[str], seconds: float, **variables: str) -> str:
    """Run a command on a terminal for at most this time, and return what it wrote there."""
    control, terminal = pty.openpty()
    process = subprocess.Popen(
        words, stdout=terminal, stderr=terminal, env={**os.environ, "COLUMNS": "80", **variables}
    )
    os.close(terminal)
    written = b""
    with suppress(OSError):  # EIO: the terminal has no other user any more
        end = time.monotonic() + seconds
        while time.monotonic() < end and b"quorum_lost" not in written:
            if select.select([control], [], [], 0.1)[0]:
                written += os.read(control, 65536)
    process.kill()
    process.wait()
    os.close(control)
    return written.decode()


@pytest.mark.parametrize(
    ("variables", "colored"), [({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({}, True)]
)
def test_a_terminal_has_colors_in_the_log_unless_the_environment_forbids_them(
    variables: dict[str, str], colored: bool, tmp_path: Path
) -> None:
    """No real server answers here, so that there are warnings."""
    text = CONFIGURATION.format(directory=tmp_path, port=free_ports(1)[0], form="text")
    (tmp_path / "lb.yaml").write_text(text)
    words = [*HADIRECTOR, "run", "-c", str(tmp_path / "lb.yaml")]
    written = on_a_terminal(words, 20.0, **{"TERM": "xterm", **variables})
    assert "quorum_lost" in written
    assert ("\033[33mwarning" in written) is colored
    assert ("\033[" in written) is colored


def test_a_dumb_terminal_of_80_columns_gets_the_whole_reason(
    web: WebServer, tmp_path: Path
) -> None:
    service = Service(tmp_path, web.port)
    try:
        web.kill()
        eventually(lambda: (s := service.status()) and s.verdict == "failing", 20.0)
        words = [*HADIRECTOR, "status", "--socket", service.socket]
        written = on_a_terminal(words, 5.0, TERM="dumb")
        assert "refused: connecting: Connection refused" in written
        assert "0 of 1 passing" in written
    finally:
        service.end()


def test_a_crash_is_visible_in_the_events_of_the_next_run(
    web: WebServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An orderly stop is visible too."""
    service = Service(tmp_path, web.port)
    try:
        for number, (stop, ending) in enumerate(
            ((signal.SIGKILL, "crashed"), (signal.SIGTERM, "stopped")), start=1
        ):
            eventually(lambda: len(service.lines("director_started")), 20.0, expected=number)
            service.process.send_signal(stop)
            service.process.wait(20.0)
            service.start()
            eventually(lambda: len(service.lines("director_started")), 20.0, expected=number + 1)
            assert main(["events", "--socket", service.socket]) == 0
            last = [line for line in capsys.readouterr().out.splitlines() if "_started" in line][-1]
            assert last.endswith(f" previous_run={ending}")
            assert f"file={tmp_path}/lb.yaml" in last
        starts = service.lines("director_started")
        assert [start[:3] for start in starts] == ["<6>", "<4>", "<6>"]
    finally:
        service.end()


def test_a_verdict_has_an_age_and_failing_servers_have_it_after_a_restart(
    web: WebServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service = Service(tmp_path, web.port)
    try:
        eventually(lambda: (s := service.status()) and s.verdict == "passing", 20.0)
        web.kill()
        eventually(lambda: (s := service.status()) and s.verdict == "failing", 20.0)
        time.sleep(1.1)  # longer than the snapshot waits
        service.process.kill()
        service.process.wait(20.0)
        service.start()
        eventually(lambda: (s := service.status()) and s.verdict == "failing", 20.0)
        status = service.status()
        assert status is not None
        assert status.verdict_age is not None
        assert main(["status", "--socket", service.socket]) == 1
        assert " s ago  refused: connecting: Connection refused" in capsys.readouterr().out
        assert main(["why", f"shop/127.0.0.1:{web.port}", "--socket", service.socket]) == 0
        assert "the check is failing for " in capsys.readouterr().out
    finally:
        service.end()
