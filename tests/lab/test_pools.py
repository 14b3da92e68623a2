"""A pool on loopback, whose real servers come and go, with the userspace dataplane.

A real server accepts connections and waits for their end.
"""

from __future__ import annotations

import io
import shutil
import signal
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from hadirector.api.client import ApiError, request
from hadirector.cli import main
from hadirector.events.event_log import Event
from hadirector.status.report import RealServerStatus, Status, VirtualServerStatus
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(60)

PATIENCE_SECONDS = 15.0
CONFIGURATION = """\
director:
  name: lb1
  dataplane: userspace
  runtime_directory: {directory}/run
  state_directory: {directory}/state
  check: {{type: tcp, interval: 100ms, timeout: 100ms, rise: 1, fall: 1}}
virtual_servers:
  - name: web
    address: 127.0.14.100:{port}
    scheduler: wrr
    {pool}
    real_servers:
      - {{address: 127.0.14.1, weight: 3}}
      - {{address: 127.0.14.2, weight: 2}}
      - {{address: 127.0.14.3, weight: 5, backup_tier: 1}}
"""


class Patient(socketserver.BaseRequestHandler):
    """Waits for the end of a connection."""

    def handle(self) -> None:
        with suppress(ConnectionError):
            self.request.recv(1)


class RealServer(socketserver.ThreadingTCPServer):
    """A real server."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False


class Done(NamedTuple):
    """The exit status and output of a command."""

    status: int
    out: str
    err: str


class Site:
    """A director and its real servers."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        with socket.create_server(("127.0.14.100", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None
        self._listening: dict[int, RealServer] = {}

    def write(self, pool: str) -> None:
        """Write the file, with one more line for the pool."""
        text = CONFIGURATION.format(directory=self._directory, pool=pool, port=self.port)
        (self._directory / "hadirector.yaml").write_text(text)

    def start(self) -> None:
        with (self._directory / "log").open("a") as log:
            self._process = subprocess.Popen(
                [*HADIRECTOR, "run", "-c", str(self._directory / "hadirector.yaml")], stderr=log
            )

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20.0)

    def close(self) -> None:
        self.stop()
        self.fail(*self._listening)

    def serve(self, *numbers: int) -> None:
        for number in numbers:
            server = RealServer((f"127.0.14.{number}", self.port), Patient)
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            self._listening[number] = server

    def fail(self, *numbers: int) -> None:
        for number in numbers:
            server = self._listening.pop(number)
            server.shutdown()
            server.server_close()

    def command(self, *arguments: str) -> Done:
        """Run a command against this director."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            try:
                status = main([*arguments, "--socket", self.api])
            except SystemExit as exited:
                status = int(str(exited.code))
        return Done(status, out.getvalue(), err.getvalue())

    @property
    def api(self) -> str:
        return f"{self._directory}/run/api.sock"

    def metric(self, sample: str) -> float:
        """Return one sample of the metrics, whose text must be valid for Prometheus."""
        text = request(self.api, "GET", "/metrics").decode()
        found = {
            each.name + "".join(f",{value}" for _, value in sorted(each.labels.items())): each.value
            for family in text_string_to_metric_families(text)
            for each in family.samples
        }
        return found[f"hadirector_{sample}"]

    def log(self) -> str:
        return (self._directory / "log").read_text()

    def pool(self) -> VirtualServerStatus:
        answer = request(self.api, "GET", "/v1/status")
        return msgspec.json.decode(answer, type=Status).virtual_servers[0]

    def weights(self) -> list[int | None]:
        """Return the weights in the dataplane: the real servers in order, then the sorry server."""
        pool = self.pool()
        sorry = () if pool.sorry_server is None else (pool.sorry_server,)
        return [each.actual_weight for each in (*pool.real_servers, *sorry)]

    def carried(self) -> int:
        """Return the connections of all real servers."""
        return sum(map(carries, self.pool().real_servers))

    def expect(self, *weights: int | None) -> None:
        """Wait until the dataplane has these weights."""

        def found() -> list[int | None] | str:
            try:
                return self.weights()
            except ApiError as error:
                return str(error)

        eventually(found, PATIENCE_SECONDS, "the weights", expected=list(weights))


HADIRECTOR = [sys.executable, "-m", "hadirector"]


def carries(real_server: RealServerStatus) -> int:
    return real_server.active_connections + real_server.inactive_connections


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.close()


def test_a_pool_falls_back_tier_by_tier_and_then_to_the_sorry_server(site: Site) -> None:
    """It returns in the same way; `status` has the reason at every step."""
    site.write("quorum: 2\n    sorry_server: {address: 127.0.14.9, check: {type: tcp}}")
    site.serve(1, 2, 3, 9)
    site.start()
    site.expect(3, 2, 0, None)
    assert site.pool().real_servers[2].weight_reason == "on standby in backup tier 1"
    site.fail(1)
    site.expect(None, 2, 0, None)
    site.fail(2)
    site.expect(None, None, 5, None)
    site.fail(3)
    site.expect(None, None, None, 1)
    assert site.pool().quorum == "quorum lost: 0 passing, 2 needed"
    assert "sorry server: no quorum" in site.command("status").out
    site.serve(3)
    site.expect(None, None, 5, None)
    site.serve(1)
    site.expect(3, None, 0, None)


ONE, TWO = "web/127.0.14.1", "web/127.0.14.2"


def test_an_override_survives_reload_and_restart(
    site: Site, request: pytest.FixtureRequest
) -> None:
    """A drain and a weight, each with its author, its reason, and its undo.

    `events --follow` shows the restart and the events after it.
    """
    site.write("")
    site.serve(1, 2, 3)
    site.start()
    site.expect(3, 2, 0)
    follower = subprocess.Popen(
        # A shell that runs the tests in the background makes them ignore SIGINT.
        [
            *("env", "--default-signal=INT", *HADIRECTOR),
            *("events", "--follow", "--json", "--socket", site.api),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    request.addfinalizer(follower.kill)
    assert follower.stdout is not None
    assert follower.stderr is not None
    # An open connection keeps the drain from ending.
    with socket.create_connection(("127.0.14.100", site.port)):
        eventually(site.carried, PATIENCE_SECONDS, expected=1)
        [busy] = [
            f"web/{each.address.partition(':')[0]}"
            for each in site.pool().real_servers
            if carries(each)
        ]
        idle = TWO if busy == ONE else ONE
        done = site.command("drain", busy, "--reason", "new kernel", "--for", "1h")
        assert (done.status, done.err) == (0, "")
        assert done.out.startswith(f"{busy}:{site.port}: draining, by ")
        site.command("weight", idle, "7")
        drained, weighted = (0, 7) if busy == ONE else (7, 0)
        site.expect(drained, weighted, 0)
        site.write("hysteresis: 0")
        assert site.command("reload").status == 0
        site.stop()
        assert follower.stderr.readline().endswith("; waiting for the director\n")
        site.start()
        site.expect(None, 7, 0) if busy == ONE else site.expect(7, None, 0)
    told = site.command("why", busy).out
    assert "drained (all connections have ended), by " in told
    assert ": new kernel" in told
    assert 'override_set  description="draining, by ' in told
    assert "the override expires in 59 min" in told
    assert site.command("undrain", busy).status == 0
    assert site.command("weight", idle, "configured").status == 0
    site.expect(3, 2, 0)
    assert site.command("undrain", busy).status == 1
    names: list[str] = []
    while names.count("override_removed") < 2:
        event = msgspec.json.decode(follower.stdout.readline(), type=Event)
        names.append(event.name)
        assert event.number == len(names)
    assert names.count("director_started") == names.count("override_set") == 2
    follower.send_signal(signal.SIGINT)
    assert follower.communicate(timeout=20)[1] == "hadirector: the director answers again\n"


def test_an_override_survives_a_reboot(site: Site) -> None:
    """A reboot empties the runtime directory, but not the state directory."""
    site.write("")
    site.serve(1, 2, 3)
    site.start()
    site.expect(3, 2, 0)
    assert site.command("disable", TWO, "--for", "1h", "--reason", "disk").status == 0
    site.expect(3, None, 0)
    site.stop()
    shutil.rmtree(Path(site.api).parent)
    site.start()
    site.expect(3, None, 0)
    told = site.command("why", TWO).out
    assert ": disk" in told
    assert "the override expires in 59 min" in told


def test_a_drain_ends_with_its_last_connection_or_at_its_deadline(site: Site) -> None:
    """Until then the weight is 0. An override with a time limit is removed at that time."""
    site.write("")
    site.serve(1, 2, 3)
    site.start()
    site.expect(3, 2, 0)
    site.command("disable", TWO)
    site.expect(3, None, 0)
    with socket.create_connection(("127.0.14.100", site.port)):
        eventually(site.carried, PATIENCE_SECONDS, expected=1)
        site.command("drain", ONE)
        site.expect(0, None, 5)
        assert site.command("enable", TWO).status == 0
        site.expect(0, 2, 0)
    site.expect(None, 2, 0)
    site.command("drain", TWO, "--deadline", "1s", "--for", "3s")
    site.expect(None, None, 5)
    site.expect(None, 2, 0)


def test_a_useless_override_is_refused_with_a_remedy(site: Site) -> None:
    """An override for a server that a reload removes is kept and reported."""
    site.write("")
    site.serve(1, 2, 3)
    site.start()
    site.expect(3, 2, 0)
    for arguments, words in (
        (("drain", "web/127.0.14.4"), "no real server web/127.0.14.4 (there are: web/127.0.14.1:"),
        (("drain", "wbe/127.0.14.1"), "no virtual server wbe (there are: web)"),
        (
            ("drain", ONE, "--keep-clients"),
            "web has no persistence, so it has no persistent clients",
        ),
        (("enable", ONE), f"no override of {ONE}:{site.port} (there are: none)"),
        (("why", "web/127.0.14.4"), "no real server web/127.0.14.4 (there are: web/127.0.14.1:"),
    ):
        done = site.command(*arguments)
        assert (done.status, done.out) == (1, "")
        assert words in done.err
    assert site.command("weight", ONE, "-1").status == 2
    assert site.command("drain", ONE, "--for", "soon").status == 2
    site.command("disable", "web/127.0.14.3")
    site.write("real_servers: [{address: 127.0.14.1}]\n  - name: rest\n    address: 127.0.14.101:1")
    assert site.command("reload").status == 0
    orphaned = f"web/127.0.14.3:{site.port} is not configured, but is disabled, by "
    assert orphaned in site.command("status").out
    assert site.command("enable", f"web/127.0.14.3:{site.port}").status == 0
    assert orphaned not in site.command("status").out


def test_the_brake_holds_the_last_failing_servers_over_a_reload(site: Site) -> None:
    """It releases them when others pass. Until then they are named."""
    site.write("min_healthy: 2")
    site.serve(1, 2, 3)
    site.start()
    site.expect(3, 2, 0)
    site.fail(1)
    site.expect(None, 2, 0)
    site.fail(2)
    site.expect(None, 2, 5)
    assert site.pool().held == (f"127.0.14.2:{site.port}",)
    names = f"[127.0.14.2:{site.port}]"
    kept = f"failing_servers_held  virtual_server=web would_be_removed={names} count=1"
    assert kept in site.command("events").out
    assert '"failing_servers_held"' in site.log()
    assert site.metric("virtual_server_held_real_servers,min_healthy,web") == 1
    assert site.metric(f"real_server_up,127.0.14.2:{site.port},web") == 0
    assert site.metric(f"real_server_weight,127.0.14.2:{site.port},web") == 2
    site.write("min_healthy: 3")
    assert site.command("reload").status == 0
    site.expect(3, 2, 5)
    site.write("min_healthy: 2")
    assert site.command("reload").status == 0
    site.expect(None, 2, 5)
    site.serve(1)
    site.expect(3, None, 0)
    assert site.pool().held == ()
    assert "failing_servers_released" in site.command("events", "--limit", "9").out
