"""A reload that replaces all real servers of a pool, under traffic, on loopback.

The health page of each real server takes half a second, so the new ones serve only after that.
"""

from __future__ import annotations

import http.client
import http.server
import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from hadirector.api.client import ApiError
from hadirector.cli import main
from tests.lab.loopback import RunningDirector
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(120)

HEALTH_PAGE_SECONDS = 0.5
BLUE, GREEN = ("127.0.16.1", "127.0.16.2"), ("127.0.16.3", "127.0.16.4")
VIRTUAL_ADDRESS = "127.0.16.100"
CONFIGURATION = """\
director:
  name: lb1
  dataplane: userspace
  runtime_directory: {directory}/run
  check: {{type: http, path: /health, interval: 2s, timeout: 1500ms}}
virtual_servers:
  - name: web
    address: {virtual_address}:{port}
    scheduler: {scheduler}
    {policy}
    real_servers: [{real_servers}]
"""


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with the address of the real server; the health page is slow."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/health":
            time.sleep(HEALTH_PAGE_SECONDS)
        body = str(self.connection.getsockname()[0]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in http.server
        """Do not log requests."""


class Client(threading.Thread):
    """Sends requests, each on a new connection, and records who answered or what failed."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._stopped = threading.Event()
        self.answers: list[str] = []
        self.failures: list[str] = []

    def run(self) -> None:
        while not self._stopped.wait(0.01):
            connection = http.client.HTTPConnection(VIRTUAL_ADDRESS, self._port, timeout=5.0)
            with closing(connection):
                try:
                    connection.request("GET", "/")
                    self.answers.append(connection.getresponse().read().decode())
                except (OSError, http.client.HTTPException) as error:
                    self.failures.append(repr(error))

    def stop(self) -> None:
        self._stopped.set()
        self.join(10.0)


@pytest.fixture
def port() -> Iterator[int]:
    """The port of four real servers."""
    servers: list[http.server.ThreadingHTTPServer] = []
    try:
        for address in (*BLUE, *GREEN):
            at = (address, servers[0].server_port if servers else 0)
            servers.append(http.server.ThreadingHTTPServer(at, Handler))
            threading.Thread(target=servers[-1].serve_forever, args=(0.05,), daemon=True).start()
        yield servers[0].server_port
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


def text(
    directory: Path,
    port: int,
    real_servers: Sequence[str],
    scheduler: str = "rr",
    policy: str = "on_failure: remove",
) -> str:
    return CONFIGURATION.format(
        directory=directory,
        virtual_address=VIRTUAL_ADDRESS,
        port=port,
        scheduler=scheduler,
        policy=policy,
        real_servers=", ".join(f"{{address: {address}}}" for address in real_servers),
    )


def weights(director: RunningDirector) -> list[int | None]:
    try:
        [server] = director.status().virtual_servers
    except ApiError:
        return []
    return [real_server.actual_weight for real_server in server.real_servers]


def test_a_reload_that_replaces_a_pool_fails_no_request(
    port: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`plan` says so before, `status` during the change, and `events` afterwards."""
    directory = tmp_path / "director"
    director = RunningDirector(directory, text(directory, port, BLUE))
    socket = f"{directory}/run/api.sock"
    client = Client(port)
    try:
        eventually(lambda: weights(director), 20.0, "the weights", expected=[1, 1])
        client.start()
        eventually(lambda: set(client.answers), 10.0, "the answers", expected=set(BLUE))
        director.file.write_text(text(directory, port, GREEN))
        assert main(["plan", "-c", str(director.file), "--socket", socket]) == 0
        told = capsys.readouterr().out
        assert main(["reload", "--socket", socket]) == 0
        eventually(
            lambda: director.status().virtual_servers[0].outgoing,
            0.4,
            "the outgoing real servers",
            expected=tuple(f"{address}:{port}" for address in BLUE),
        )
        eventually(lambda: set(client.answers[-20:]), 10.0, "answers", expected=set(GREEN))
        client.stop()
        assert client.failures == []
        assert director.status().virtual_servers[0].outgoing == ()
        assert (
            "outgoing: weight 0, and removed 10 s later:\n"
            f"  web/127.0.16.1:{port} (when 2 configured real servers pass, or after 3.5 s)\n"
        ) in told
        assert "delete destination" not in told
        assert main(["events", "--socket", socket]) == 0
        events = capsys.readouterr().out
        named = f"virtual_server=web real_servers=[127.0.16.1:{port},127.0.16.2:{port}] count=2"
        assert f'outgoing_servers_held  {named} reason="0 of 2 required real ' in events
        assert f'outgoing_servers_released  {named} reason="2 of 2 required real ' in events
    finally:
        client.stop() if client.is_alive() else None
        director.end()


def test_reloads_in_random_variants_fail_no_request(port: int, tmp_path: Path) -> None:
    """Other real servers, weights, checks, schedulers and policies, in a fixed random order."""
    directory, chosen = tmp_path / "director", random.Random(7)
    director = RunningDirector(directory, text(directory, port, BLUE))
    client = Client(port)
    try:
        eventually(lambda: weights(director), 20.0, "the weights", expected=[1, 1])
        client.start()
        for _ in range(15):
            servers = chosen.sample((*BLUE, *GREEN), chosen.randint(1, 4))
            weighted = [f"{server}, weight: {chosen.randint(1, 9)}" for server in servers]
            policy = chosen.choice(
                ("min_healthy: 1", "quorum: 1", "slow_start: {duration: 2s}", "hysteresis: 0")
            )
            new = text(directory, port, weighted, chosen.choice(("wrr", "wlc")), policy)
            new = new.replace("interval: 2s", f"interval: {chosen.randint(2, 5)}s")
            director.file.write_text(new)
            assert main(["reload", "--socket", f"{directory}/run/api.sock"]) == 0
            time.sleep(chosen.uniform(0.0, 0.5))
        client.stop()
        assert client.failures == []
        assert len(client.answers) > 50
    finally:
        client.stop() if client.is_alive() else None
        director.end()
