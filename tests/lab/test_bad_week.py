"""A bad week of an operator: docs/troubleshooting.md has a row for each test.

Each test plays one event, and looks at the log line, at `status`, and at `events`. This file has
the events that need one director, without a privilege.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.lab.loopback import RunningDirector, WebServer
from tests.lab.operator_console import PATIENCE_SECONDS, Console
from tests.lab.probes import certificates
from tests.lab.test_certificate_expiry import TlsServer
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(90)

CONFIGURATION = """\
director:
  name: lb1
  dataplane: dry-run
  runtime_directory: {directory}/run
  check: {check}
virtual_servers:
  - name: shop
    address: 192.0.2.1:80
    scheduler: rr
    {pool}
    real_servers: [{real_servers}]
"""
TCP = "{type: tcp, interval: 100ms, timeout: 100ms, rise: 1, fall: 1}"


class Site:
    """A director with one pool on loopback, and the console of its operator."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "director"
        self._director: RunningDirector | None = None
        self.console = Console(self.directory / "run/api.sock", self.directory / "log")
        self.webs: list[WebServer] = []

    def text(self, *ports: int, pool: str = "", check: str = TCP) -> str:
        return CONFIGURATION.format(
            directory=self.directory,
            check=check,
            pool=pool,
            real_servers=", ".join(f'{{address: "127.0.0.1:{port}"}}' for port in ports),
        )

    def start(self, *ports: int, pool: str = "", check: str = TCP) -> RunningDirector:
        text = self.text(*ports, pool=pool, check=check)
        self._director = RunningDirector(self.directory, text)
        return self._director

    def web(self) -> WebServer:
        self.webs.append(WebServer())
        return self.webs[-1]

    def wait_for(self, *verdicts: str) -> None:
        def found() -> list[str]:
            status = self.console.status()
            if status is None:
                return []
            return [member.verdict.value for member in status.virtual_servers[0].real_servers]

        eventually(found, PATIENCE_SECONDS, "the verdicts", expected=list(verdicts))

    def end(self) -> None:
        if self._director is not None:
            self._director.end()
        for web in self.webs:
            if web.process.poll() is None:
                web.kill()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.end()


def test_a_server_dies(site: Site) -> None:
    one, other = site.web(), site.web()
    site.start(one.port, other.port)
    site.wait_for("passing", "passing")
    one.kill()
    console = site.console
    failed = {"verdict": "failing", "port": one.port, "virtual_servers": ["shop"]}
    line = console.expect_log("verdict_changed", "warning", **failed)
    assert line["reason"] == "refused"
    console.expect_event("verdict_changed", **failed)
    console.expect_event("weight_decided", real_server=f"127.0.0.1:{one.port}", weight=None)
    shown = console.expect_status("1 of 2 passing", "refused: connecting: Connection refused")
    servers = [line for line in shown.splitlines() if line.startswith("  127.0.0.1:")]
    assert servers[0].startswith(f"  127.0.0.1:{one.port} "), "the failing server is first"
    assert "the check is failing for " in console.command("why", f"shop/127.0.0.1:{one.port}").out


def test_a_server_flaps(site: Site) -> None:
    """It is up and down until flap damping keeps it out."""
    listener = socket.create_server(("127.0.0.1", 0))
    port: int = listener.getsockname()[1]
    site.start(port, pool="flap_damping: {failures: 2, window: 5m, hold: 30s}")
    for _ in range(2):
        site.wait_for("passing")
        listener.close()
        site.wait_for("failing")
        listener = socket.create_server(("127.0.0.1", port))
    console = site.console
    place = {"virtual_server": "shop", "real_server": f"127.0.0.1:{port}"}
    console.expect_log("server_flapping", "warning", **place)
    console.expect_event("server_flapping", **place)
    console.expect_status("flapping")
    assert "flap damping lasts for another " in console.command("why", f"shop/127.0.0.1:{port}").out
    listener.close()


def test_a_server_is_too_slow(site: Site) -> None:
    """It accepts connections and does not answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        site.start(port, check="{type: http, interval: 300ms, timeout: 200ms}")
        console = site.console
        line = console.expect_log("verdict_changed", "warning", verdict="failing", port=port)
        assert line["reason"] == "timeout"
        assert "no answer within 0.2 s while waiting" in line["detail"]
        console.expect_event("verdict_changed", verdict="failing", reason="timeout")
        console.expect_status("timeout: no answer within 0.2 s while waiting")


def test_a_pool_loses_its_quorum(site: Site) -> None:
    one, other = site.web(), site.web()
    site.start(one.port, other.port, pool="quorum: 2")
    site.wait_for("passing", "passing")
    one.kill()
    console = site.console
    lost = {"virtual_server": "shop", "passing": 1, "quorum": 2}
    console.expect_log("quorum_lost", "warning", **lost)
    console.expect_event("quorum_lost", **lost)
    console.expect_status("quorum lost: 1 passing, 2 needed")


def test_a_file_with_a_typing_error_is_loaded(site: Site) -> None:
    """The director goes on with the old file."""
    web = site.web()
    director = site.start(web.port)
    site.wait_for("passing")
    director.file.write_text(director.file.read_text().replace("scheduler", "schedular"))
    console = site.console
    shown = console.command("reload")
    fault = ':9:5: virtual_servers[0]: unknown key "schedular", did you mean "scheduler"?'
    assert shown.status == 1
    assert fault in shown.err
    line = console.expect_log("reload_refused", "error")
    assert fault in line["faults"][0]
    assert console.events("reload_refused")
    console.expect_status("1 of 1 passing")


def test_a_certificate_has_expired(site: Site, tmp_path: Path) -> None:
    authority = certificates.made_in(tmp_path)
    server = TlsServer(authority.server("expired", certificates.GOOD_NAMES, days=-1))
    site.start(server.port, check=f"{{type: tls, tls_ca_file: {authority.file}}}")
    reason = "certificate: certificate has expired"
    try:
        console = site.console
        line = console.expect_log("verdict_changed", "warning", verdict="failing")
        assert (line["reason"], line["detail"]) == ("tls", reason)
        console.expect_event("verdict_changed", verdict="failing", reason="tls", detail=reason)
        console.expect_status(f"tls: {reason}")
    finally:
        server.close()


def test_a_server_is_drained(site: Site) -> None:
    """The command says that the peer does not know of it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        threading.Thread(target=_accept, args=(listener,), daemon=True).start()
        site.start(port)
        site.wait_for("passing")
        console = site.console
        shown = console.command("drain", f"shop/127.0.0.1:{port}", "--reason", "new kernel")
        assert "this applies to this director only; repeat the command on its peers" in shown.out
        console.expect_log("override_set", "info")
        console.expect_event("override_set", virtual_server="shop")
        console.expect_status("drain", "new kernel")


def _accept(listener: socket.socket) -> None:
    with suppress(OSError):
        while True:
            listener.accept()[0].close()


def test_the_last_director_is_killed_and_starts_again(site: Site) -> None:
    web = site.web()
    director = site.start(web.port)
    site.wait_for("passing")
    director.kill_itself()
    director.start_again()
    console = site.console
    console.expect_log("director_started", "warning", previous_run="crashed")
    console.expect_event("director_started", previous_run="crashed")
    site.wait_for("passing")
