"""Two real directors on loopback, whose processes are killed one by one.

They need no privilege: ``dataplane: userspace``, VRRP over UDP between 127.0.1.1 and 127.0.1.2, and
a virtual address in 127.0.0.0/8.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from checks.definition.result import Verdict
from hadirector.api.client import request
from tests.lab.loopback import RunningDirector, WebServer, free_ports
from tests.waiting import eventually

VIRTUAL_ADDRESS = "127.0.0.110"
ADVERT_INTERVAL = 1.0
CONFIGURATION = """
director: {{name: {name}, dataplane: userspace, runtime_directory: {runtime}}}
vrrp:
  - name: web
    interface: lo
    virtual_router_id: 51
    priority: {priority}
    advert_interval: 1s
    virtual_addresses: [127.0.0.110]
    transport: udp
    unicast: {{source: {source}, peers: [{peer}], port: {vrrp_port}}}
virtual_servers:
  - name: web
    address: 127.0.0.110:{port}
    scheduler: rr
    check: {{type: tcp, interval: 200ms, timeout: 200ms, rise: 1, fall: 2}}
    real_servers:
      - {{address: 127.0.0.1:{web_port}}}
"""


def exists(pid: int) -> bool:
    return Path("/proc", str(pid)).exists()


@pytest.fixture
def web() -> Iterator[WebServer]:
    made = WebServer()
    yield made
    made.kill()


@pytest.fixture
def pair(tmp_path: Path, web: WebServer) -> Iterator[tuple[RunningDirector, RunningDirector]]:
    """Two directors: the first is ACTIVE, the second BACKUP."""
    port, vrrp_port = free_ports(2)
    addresses = {"lb1": ("127.0.1.1", "127.0.1.2", 200), "lb2": ("127.0.1.2", "127.0.1.1", 100)}
    directors = []
    try:
        for name, (source, peer, priority) in addresses.items():
            configuration = CONFIGURATION.format(
                name=name,
                runtime=tmp_path / name / "run",
                source=source,
                peer=peer,
                priority=priority,
                port=port,
                vrrp_port=vrrp_port,
                web_port=web.port,
            )
            directors.append(RunningDirector(tmp_path / name, configuration))
        first, second = directors
        eventually(
            lambda: first.is_active() and first.is_healthy() and second.is_healthy(),
            30,
            "the first director ACTIVE, and all services healthy",
        )
        yield first, second
    finally:
        for director in directors:
            director.end()


Pair = tuple[RunningDirector, RunningDirector]


def test_a_dead_server_is_out_within_fall_intervals_and_a_timeout(
    pair: Pair, web: WebServer
) -> None:
    """On both directors: a BACKUP probes and changes its table like an ACTIVE director."""
    web.kill()
    begun = time.monotonic()
    eventually(
        lambda: not any(director.is_healthy() for director in pair), 5, "no director healthy"
    )
    # fall 2 x interval 0.2 s + timeout 0.2 s, and half a second for a busy machine.
    assert time.monotonic() - begun < 2 * 0.2 + 0.2 + 0.5


def test_a_killed_checks_process_is_back_within_a_second_and_its_verdicts_are_kept(
    pair: Pair,
) -> None:
    first, _ = pair
    killed = first.kill("checks")
    eventually(lambda: first.pid("checks") not in (None, killed), 1.0, "a new checks process")
    [server] = first.status().virtual_servers
    assert server.real_servers[0].verdict is Verdict.PASSING
    assert server.real_servers[0].actual_weight == 1
    before = first.status().probes
    eventually(lambda: first.status().probes != before, 5, "another probe")
    assert '"verdict": "failing"' not in first.log


def test_a_killed_vrrp_process_resumes_and_no_peer_notices(pair: Pair) -> None:
    first, second = pair
    before = len(second.log)
    killed = first.kill("vrrp")
    eventually(lambda: first.pid("vrrp") not in (None, killed), 1.0, "a new vrrp process")
    eventually(
        lambda: '"reason": "resumed"' in first.log or first.is_active(),
        2.0,
        "the new vrrp process resumes as ACTIVE",
    )
    time.sleep(4 * ADVERT_INTERVAL)
    assert first.is_active()
    assert not second.is_active()
    assert "vrrp_process_not_back_in_time" not in first.log
    assert '"state": "ACTIVE"' not in second.log[before:]


def test_the_director_releases_the_addresses_of_a_vrrp_process_that_stays_away(
    pair: Pair,
) -> None:
    """Each new vrrp process is killed before it can resume."""
    first, second = pair
    first.kill("vrrp")
    deadline = time.monotonic() + 3 * ADVERT_INTERVAL
    while time.monotonic() < deadline:
        pid = first.pid("vrrp")
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.005)
    eventually(
        lambda: "vrrp_process_not_back_in_time" in first.log,
        1.0,
        "the end of the wait for the vrrp process",
    )
    eventually(second.is_active, 5 * ADVERT_INTERVAL)


def test_a_killed_director_leaves_no_orphan_and_the_peer_takes_over_at_once(pair: Pair) -> None:
    """Its vrrp process sends priority 0, so the peer waits only for its skew time."""
    first, second = pair
    children = [first.pid("vrrp"), first.pid("checks")]
    first.process.kill()
    # Skew time is (256 - 100) / 256 x 1 s = 0.609 s, where a crash takes 2 to 3 s more.
    eventually(second.is_active, 2.0)
    eventually(
        lambda: not any(exists(pid) for pid in children if pid), 2, "all child processes gone"
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_whole_process_group_stops_it_cleanly(
    pair: Pair, number: signal.Signals
) -> None:
    first, second = pair
    children = [first.pid("vrrp"), first.pid("checks")]
    os.killpg(first.process.pid, number)
    assert first.process.wait(timeout=10) == 0
    assert "director_stopped" in first.log
    assert "process_died" not in first.log
    assert not any(exists(pid) for pid in children if pid)
    eventually(second.is_active, 4)


def test_sigterm_to_the_director_alone_hands_over_before_it_ends(pair: Pair) -> None:
    first, second = pair
    first.process.terminate()
    eventually(second.is_active, 4)
    assert first.process.wait(timeout=10) == 0


def test_a_child_that_hangs_is_killed_for_its_silence(pair: Pair) -> None:
    """After three seconds of silence there is an event, after ten the process is killed."""
    first, _ = pair
    hung = first.pid("checks")
    assert hung is not None
    os.kill(hung, signal.SIGSTOP)
    eventually(lambda: "process_silent" in first.log, 6, "the report of a silent process")
    assert exists(hung)
    eventually(lambda: not exists(hung), 12, "the hung process gone")
    eventually(lambda: first.pid("checks") not in (None, hung), 2, "a new checks process")


class MailServer(threading.Thread):
    """A real server that sends a greeting only while ``may_greet`` is set."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.asked, self.may_greet = threading.Event(), threading.Event()
        self.may_greet.set()
        self.listener = socket.create_server(("127.0.0.1", 0))

    def run(self) -> None:
        """Serve one client after the other until the listener is shut down."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                self.asked.set()
                with client, contextlib.suppress(OSError):
                    self.may_greet.wait(10)
                    client.sendall(b"220 here\r\n")
                    client.recv(100)
                    client.sendall(b"250 welcome\r\n")

    def end(self) -> None:
        self.may_greet.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.join(5)
        self.listener.close()


@pytest.fixture
def mail() -> Iterator[MailServer]:
    made = MailServer()
    made.start()
    yield made
    made.end()


def test_a_stopped_and_continued_checks_process_fails_no_target(
    tmp_path: Path, mail: MailServer
) -> None:
    """The deadline of a probe passed while the process was stopped. It probes once more."""
    servers = CONFIGURATION[CONFIGURATION.index("virtual_servers:") :].format(
        port=free_ports(1)[0], web_port=mail.listener.getsockname()[1]
    )
    check = "type: smtp, interval: 1500ms, timeout: 1500ms, rise: 1, fall: 1"
    servers = servers.replace("type: tcp, interval: 200ms, timeout: 200ms, rise: 1, fall: 2", check)
    here = f"director: {{dataplane: userspace, runtime_directory: {tmp_path / 'lb' / 'run'}}}\n"
    director = RunningDirector(tmp_path / "lb", here + servers)
    try:
        eventually(lambda: '"verdict": "passing"' in director.log, 30, "the first passing verdict")
        checks = director.pid("checks")
        assert checks is not None
        mail.may_greet.clear()
        mail.asked.clear()
        assert mail.asked.wait(10)
        os.kill(checks, signal.SIGSTOP)
        mail.may_greet.set()
        time.sleep(2.3)  # longer than the timeout, shorter than the silence that is reported
        os.kill(checks, signal.SIGCONT)
        before = director.status().probes
        eventually(lambda: director.status().probes > before + 1, 10, "two more probes")
        assert '"verdict": "failing"' not in director.log
        assert director.pid("checks") == checks
    finally:
        director.end()


def test_a_director_that_was_stopped_does_not_kill_its_children(pair: Pair) -> None:
    first, _ = pair
    os.kill(first.process.pid, signal.SIGSTOP)
    time.sleep(11.0)
    os.kill(first.process.pid, signal.SIGCONT)
    eventually(first.is_healthy, 5)
    time.sleep(2.0)
    assert [first.restarts("checks"), first.restarts("vrrp")] == [0, 0]


def test_sighup_reloads_and_a_wrong_file_changes_nothing(pair: Pair) -> None:
    first, _ = pair
    good = first.file.read_text()
    first.file.write_text(good.replace("scheduler: rr", "scheduler: zz"))
    first.process.send_signal(signal.SIGHUP)
    eventually(lambda: "reload_refused" in first.log, 5, "the refusal of the reload")
    assert first.status().virtual_servers[0].scheduler == "rr"
    assert first.is_active()
    first.file.write_text(good.replace("scheduler: rr", "scheduler: wlc"))
    first.process.send_signal(signal.SIGHUP)
    eventually(lambda: first.status().virtual_servers[0].scheduler, 5, expected="wlc")
    assert first.is_active()
    assert first.is_healthy()


def test_a_handover_yields_until_undone_and_survives_a_restart_of_the_vrrp_process(
    pair: Pair,
) -> None:
    first, second = pair
    socket_path = str(first.directory / "run" / "api.sock")
    request(socket_path, "PUT", "/v1/instances/web/handover", {"reason": "test"})
    eventually(
        lambda: second.is_active() and not first.is_active(), 5, "the second director alone ACTIVE"
    )
    first.kill("vrrp")
    time.sleep(6 * ADVERT_INTERVAL)
    assert second.is_active()
    assert not first.is_active()
    assert first.status().instances[0].yielding
    request(socket_path, "DELETE", "/v1/instances/web/handover")
    eventually(
        lambda: first.is_active() and not second.is_active(), 10, "the first director alone ACTIVE"
    )
