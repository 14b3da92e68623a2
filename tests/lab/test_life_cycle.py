"""Restarts, a reload, a kill and drains: the table, and a transfer through it."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path

import msgspec
import pytest

from hadirector.api.client import request
from hadirector.cli import main
from hadirector.lab.topology import Host, Network
from hadirector.status.report import Status
from tests.lab.answering import connect
from tests.lab.experiment import (
    CLIENT_ADDRESS,
    VIRTUAL_ADDRESS,
    Site,
    build_site,
    fetch,
    kernel_table,
    start_director,
)
from tests.lab.namespaces import inside
from tests.lab.transfer import Transfer, transfer
from tests.waiting import eventually

pytestmark = [pytest.mark.ipvs, pytest.mark.timeout(400)]

START_SECONDS = 60.0
SLACK_SECONDS = 30.0
RESET_SECONDS = 10.0
"""The kernel keeps a connection that was reset for this time (ip_vs_proto_tcp.c)."""
DEADLINE_SECONDS = 3.0

TEXT = """\
director: {{name: lb1, dataplane: ipvs, on_stop: keep, runtime_directory: {directory}/run}}
virtual_servers:
  - name: web
    address: 192.168.122.22:80
    scheduler: rr
    forwarding: nat
    check: {{type: tcp, interval: 500ms, timeout: 500ms, rise: 2, fall: 2}}
    real_servers:
      - {{address: 192.168.122.45}}
      - {{address: 192.168.122.46}}
  - name: bulk
    address: 192.168.122.22:81
    scheduler: rr
    forwarding: nat
    check: none
    real_servers:
      - {{address: 192.168.122.45}}
"""
MORE = "      - {address: 192.168.122.46}\n"
BULK = "tcp 192.168.122.22:81"


class Director:
    """A director, its configuration file, and the site that it serves."""

    def __init__(self, site: Site, directory: Path) -> None:
        self.site = site
        [self.host] = site.directors
        self._directory = directory
        self._file = directory / "director1.yaml"
        self.socket = f"{directory}/run/api.sock"
        self.text = TEXT.format(directory=directory)
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self.process = start_director(self.host, self.text, self._directory)

    @property
    def times_started(self) -> int:
        return (self._directory / "director1.log").read_text().count('"event": "director_started"')

    @property
    def table(self) -> list[str]:
        return kernel_table(self.host)

    def command(self, name: str, *arguments: str) -> int:
        return main([name, *arguments, "--socket", self.socket])

    def carried(self) -> dict[str, tuple[int, int]]:
        """Return the active and all connections of each virtual server in `status`."""
        answer = request(self.socket, "GET", "/v1/status")
        servers = msgspec.json.decode(answer, type=Status).virtual_servers
        return {each.name: (each.active_connections, each.total.connections) for each in servers}

    def plan(self, text: str) -> int:
        """Run `plan` with another text."""
        draft = self._file.with_name("draft.yaml")
        draft.write_text(text)
        return self.command("plan", "-c", str(draft))

    def reload(self, text: str) -> int:
        self.text = text
        self._file.write_text(text)
        return self.command("reload")

    def table_until_started(self, times: int, seconds: float) -> list[list[str]]:
        """Return all tables until the director has started ``times`` times and ``seconds`` have
        passed.
        """
        seen, end = [], time.monotonic() + START_SECONDS
        while self.times_started < times and time.monotonic() < end:
            seen.append(self.table)
        assert self.times_started == times
        checked = time.monotonic() + seconds
        while time.monotonic() < checked:
            seen.append(self.table)
        return seen


def connections(director: Host) -> list[int]:
    """Return the kernel's counters of the service and its destinations, updated every 2 s."""
    lines = director.run("ipvsadm", "-Ln", "--stats").stdout.splitlines()
    return [int(line.split()[2]) for line in lines if ":80 " in line]


def expect_more(running: Transfer) -> None:
    """Wait until the transfer has received 100,000 bytes more."""
    goal = running.received + 100_000
    eventually(lambda: running.received >= goal, SLACK_SECONDS, "another 100,000 bytes")


def test_a_transfer_survives_restarts_a_reload_and_a_kill(
    network: Network, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No step changes an entry that need not change.

    A drain waits for the end of the transfer.
    """
    site = build_site(network, "nat")
    director = Director(site, tmp_path)
    director.host.ip(f"address add {VIRTUAL_ADDRESS}/32 dev eth0")
    site.start_webs()
    director.start()
    eventually(lambda: len(director.table), START_SECONDS, expected=5)
    through = (site.webs[0], site.client, CLIENT_ADDRESS, VIRTUAL_ADDRESS, 81)
    with transfer(*through) as running:
        stop_and_start(director)
        said = {"web": (0, 14), "bulk": (1, 1)}
        eventually(director.carried, SLACK_SECONDS, expected=said)
        expect_more(running)

        assert director.plan(director.text + MORE) == 0
        told = f"  add destination 192.168.122.46:81 to {BULK} (nat, weight 1)"
        assert told in capsys.readouterr().out.splitlines()
        table = director.table
        assert len(table) == 5
        assert director.reload(director.text + MORE) == 0
        more = sorted([*table, "-a -t 192.168.122.22:81 -r 192.168.122.46:81 -m -w 1"])
        eventually(lambda: director.table, SLACK_SECONDS, expected=more)
        expect_more(running)

        request(director.socket, "POST", "/v1/restart")
        assert all(each == more for each in director.table_until_started(3, 3.0))
        expect_more(running)

        assert director.process is not None
        director.process.kill()
        director.process.wait()
        expect_more(running)
        director.start()
        assert all(each == more for each in director.table_until_started(4, 3.0))
        expect_more(running)

        drain_until_the_transfer_ends(director, running)
    drain_until_its_deadline(director)


def stop_and_start(director: Director) -> None:
    """Under on_stop: keep, every entry of the table stays."""
    client, table = director.site.client, director.table
    assert len(fetch(client, VIRTUAL_ADDRESS, 4)) == 4
    eventually(lambda: connections(director.host), 10.0, expected=[4, 2, 2])
    assert director.process is not None
    assert director.host.stop(director.process) == 0
    assert director.table == table
    director.start()
    assert all(each == table for each in director.table_until_started(2, 5.0))
    # The counters of a destination that was deleted and added again would begin at 0.
    assert connections(director.host) == [4, 2, 2]
    answers = fetch(client, VIRTUAL_ADDRESS, 10)
    assert (answers.count("web1"), answers.count("web2")) == (5, 5)


def bulk(director: Director) -> list[str]:
    """Return the real servers of the service that the transfer uses."""
    return [line.split(":81 -r ")[1] for line in director.table if ":81 -r " in line]


WEB2 = "192.168.122.46:81 -m -w 1"


def drain_until_the_transfer_ends(director: Director, running: Transfer) -> None:
    """Without a deadline a drain waits for the last connection."""
    assert director.command("drain", "bulk/192.168.122.45") == 0
    drained = ["192.168.122.45:81 -m -w 0", WEB2]
    eventually(lambda: bulk(director), SLACK_SECONDS, expected=drained)
    expect_more(running)
    assert bulk(director) == drained
    assert running.finish()
    eventually(lambda: bulk(director), RESET_SECONDS + SLACK_SECONDS, expected=[WEB2])


def drain_until_its_deadline(director: Director) -> None:
    """A drain ends at its deadline although a connection is left."""
    site = director.site
    with inside(site.webs[1]):
        listener = socket.create_server(("", 81))
    with listener, connect(site.client, CLIENT_ADDRESS, VIRTUAL_ADDRESS, 81):
        begun = time.monotonic()
        deadline = f"{DEADLINE_SECONDS:g}s"
        assert director.command("drain", "bulk/192.168.122.46", "--deadline", deadline) == 0
        eventually(lambda: bulk(director), DEADLINE_SECONDS + SLACK_SECONDS, expected=[])
        assert time.monotonic() - begun >= DEADLINE_SECONDS


CLIENTS = """\
director: {{name: lb1, dataplane: ipvs, runtime_directory: {directory}/run}}
sysctls: {{leave: [{left}]}}
virtual_servers:
  - name: web
    address: 192.168.122.22:80
    scheduler: rr
    forwarding: nat
    persistence: 300s
    check: none
    real_servers:
      - {{address: 192.168.122.45}}
      - {{address: 192.168.122.46}}
"""
ADDRESSES = {"web1": "192.168.122.45", "web2": "192.168.122.46"}


def test_a_drain_keeps_the_clients_of_persistence_or_sends_them_elsewhere(
    network: Network, tmp_path: Path
) -> None:
    """As its option says; one open connection keeps the drain from ending."""
    site = build_site(network, "nat")
    director = Director(site, tmp_path)
    director.host.ip(f"address add {VIRTUAL_ADDRESS}/32 dev eth0")
    site.start_webs()
    director.text = CLIENTS.format(directory=tmp_path, left="expire_quiescent_template")
    director.start()
    eventually(lambda: len(director.table), START_SECONDS, expected=3)
    first, second = fetch(site.client, VIRTUAL_ADDRESS, 2)
    assert first == second
    server = f"web/{ADDRESSES[first]}"
    drained = f"-a -t 192.168.122.22:80 -r {ADDRESSES[first]}:80 -m -w 0"
    with connect(site.client, CLIENT_ADDRESS, VIRTUAL_ADDRESS, 80):
        assert (
            director.command("drain", server, "--no-keep-clients") == 1
        )  # the kernel keeps the clients
        assert director.command("drain", server, "--keep-clients") == 0
        eventually(
            lambda: drained in director.table, SLACK_SECONDS, "the drained real server at weight 0"
        )
        assert fetch(site.client, VIRTUAL_ADDRESS, 3) == [first] * 3

        assert director.command("undrain", server) == 0
        assert director.reload(CLIENTS.format(directory=tmp_path, left="")) == 0
        assert director.command("drain", server, "--no-keep-clients") == 0
        eventually(
            lambda: drained in director.table, SLACK_SECONDS, "the drained real server at weight 0"
        )
        [other] = ADDRESSES.keys() - {first}
        assert fetch(site.client, VIRTUAL_ADDRESS, 3) == [other] * 3
