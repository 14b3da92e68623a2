"""Connections survive every director: configs/nat-pair.yaml, with real kernels.

The clients are on one network, the real servers on another, and both directors on both. The outside
and the inside address move together. The default route of the real servers is the inside address.
The server for dr and tun is in the clients' network.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from hadirector.api.client import ApiError, request
from hadirector.lab.topology import Host, Network
from hadirector.status.drill_status import DrillState, DrillStatus
from hadirector.status.report import Status
from tests.lab.experiment import kernel_table, start_director
from tests.lab.paired_directors import make_certificate
from tests.lab.tcp_connection import Conversation, start_server
from tests.waiting import eventually

pytestmark = [pytest.mark.ipvs, pytest.mark.timeout(400)]

OUTSIDE, INSIDE = "192.168.122.22", "10.0.0.1"
DIRECT, TUNNELLED = "192.168.122.23", "192.168.122.24"
ADDRESSES = (OUTSIDE, DIRECT, TUNNELLED)
PORT = 7
START_SECONDS = 60.0
DRILL_SECONDS = 6.0
DRIFT_SECONDS = 10.0
SLACK_SECONDS = 40.0
"""TCP sends again after 0.2, 0.4, 0.8 ... seconds: a segment lost in a takeover arrives late."""

CONFIGURATION = """\
director: {{name: {name}, runtime_directory: {directory}/{name}}}
pair:
  name: edge
  listen: {address}:9471
  certificate: {directory}/{name}.pem
  key: {directory}/{name}.key
  peers:
    - {{name: director1, address: "192.168.122.30:9471", certificate: {directory}/director1.pem}}
    - {{name: director2, address: "192.168.122.31:9471", certificate: {directory}/director2.pem}}
vrrp:
  - name: outside
    interface: eth0
    virtual_router_id: 51
    priority: {priority}
    advert_interval: 1s
    virtual_addresses: [192.168.122.22, 192.168.122.23, 192.168.122.24]
  - name: inside
    interface: eth1
    virtual_router_id: 52
    priority: {priority}
    advert_interval: 1s
    virtual_addresses: [10.0.0.1]
sync_groups: [{{name: web, instances: [outside, inside]}}]
sync_daemon: {{interface: eth1}}
virtual_servers:
  - name: echo
    address: 192.168.122.22:7
    scheduler: {scheduler}
    forwarding: nat
    check: {{type: tcp, interval: 1s, timeout: 900ms, rise: 2, fall: 3}}
    real_servers: [{{address: 10.0.0.45}}, {{address: 10.0.0.46}}]
  - name: direct
    address: 192.168.122.23:7
    forwarding: dr
    check: none
    real_servers: [{{address: 192.168.122.47}}]
  - name: tunnelled
    address: 192.168.122.24:7
    forwarding: tun
    check: none
    real_servers: [{{address: 192.168.122.47}}]
"""


class Director:
    """A director with an interface in both networks."""

    def __init__(self, host: Host, address: str, priority: int, directory: Path) -> None:
        self.host = host
        self._address = address
        self._priority = priority
        self._directory = directory
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self.process = start_director(self.host, self.text("wlc"), self._directory)

    def text(self, scheduler: str) -> str:
        return CONFIGURATION.format(
            name=self.host.name,
            address=self._address,
            directory=self._directory,
            priority=self._priority,
            scheduler=scheduler,
        )

    def ask(self, method: str, path: str, body: object = None) -> bytes | None:
        """Make a request to the API; return None if the director does not answer."""
        try:
            return request(f"{self._directory}/{self.host.name}/api.sock", method, path, body)
        except ApiError:
            return None

    def checks_process(self) -> int | None:
        answer = self.ask("GET", "/v1/status")
        if answer is None:
            return None
        status = msgspec.json.decode(answer, type=Status)
        return next(each.pid for each in status.processes if each.name == "checks")

    def reload(self, scheduler: str) -> None:
        (self._directory / f"{self.host.name}.yaml").write_text(self.text(scheduler))
        assert self.ask("POST", "/v1/reload") is not None

    def holds_both(self) -> bool:
        return self.host.holds(OUTSIDE) and self.host.holds(INSIDE)

    def threads(self) -> list[str]:
        """Return the sync daemon's threads, as ipvsadm shows them."""
        said = self.host.run("ipvsadm", "-L", "--daemon").stdout.splitlines()
        return sorted(line.split("(")[0].strip() for line in said)

    def service(self) -> str:
        return next(iter(kernel_table(self.host)), "")

    def knows_the_connections(self) -> bool:
        return self.host.run("ipvsadm", "-Lcn").stdout.count("ESTABLISHED") == len(ADDRESSES)


MASTER, BACKUP = ["master sync daemon"], ["backup sync daemon"]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Host, Director, Director]]:
    """The client and the directors, with real servers that echo."""
    with Network() as outside, Network() as inside:
        client = outside.host("client", "192.168.122.70/24")
        directors = []
        for number in (1, 2):
            address = f"192.168.122.{29 + number}"
            host = outside.host(f"director{number}", f"{address}/24")
            inside.connect(host, "eth1", f"10.0.0.{29 + number}/24")
            make_certificate(tmp_path, host.name)
            directors.append(Director(host, address, 300 - 100 * number, tmp_path))
        for number in (1, 2):
            routes = [f"default via {INSIDE}"]
            web = inside.host(f"web{number}", f"10.0.0.{44 + number}/24", routes=routes)
            start_server(web, PORT)
        start_server(direct_server(outside), PORT)
        yield client, directors[0], directors[1]


def direct_server(outside: Network) -> Host:
    """Build a real server that answers the clients directly (configs/dr.yaml, configs/tun.yaml)."""
    silent = {"net.ipv4.conf.all.arp_ignore": "1", "net.ipv4.conf.all.arp_announce": "2"}
    host = outside.host("web3", "192.168.122.47/24", sysctls=silent)
    held = (f"address add {each}/32 dev lo" for each in (DIRECT, TUNNELLED))
    host.ip(*held, "link set tunl0 up")
    host.sysctl({f"net.ipv4.conf.{each}.rp_filter": "0" for each in ("all", "tunl0")})
    return host


def drill(director: Director) -> DrillStatus:
    """Run a drill, and return its result."""
    answers: list[bytes] = []

    def is_begun() -> bool:
        body = {"seconds": DRILL_SECONDS, "reason": "quarterly"}
        answers.extend(filter(None, [director.ask("POST", "/v1/drills", body)]))
        return bool(answers)

    def state() -> DrillState:
        answers.extend(filter(None, [director.ask("GET", f"/v1/drills/{number}")]))
        return msgspec.json.decode(answers[-1], type=DrillStatus).state

    eventually(is_begun, START_SECONDS, "a drill, which needs a ready standby")
    number = msgspec.json.decode(answers[-1], type=DrillStatus).number
    eventually(lambda: state() is not DrillState.RUNNING, START_SECONDS, "the end of the drill")
    return msgspec.json.decode(answers[-1], type=DrillStatus)


def expect_a_drill_keeps_them(director: Director) -> None:
    """The connections are in the table of the standby, and in that of the director afterwards."""
    found = drill(director)
    assert found.state is DrillState.PASSED, found
    # The count before the drill can be older than the connections.
    assert (found.connections_at_peer or 0) >= len(ADDRESSES), found
    assert (found.connections_after or 0) >= len(ADDRESSES), found
    eventually(director.threads, SLACK_SECONDS, expected=MASTER)


def expect_more(talking: Sequence[Conversation]) -> None:
    """Wait until five more numbers have come back on each connection, which still stands."""
    goals = [each.exchanges + 5 for each in talking]

    def have_come() -> bool:
        return all(each.exchanges >= goal for each, goal in zip(talking, goals, strict=True))

    eventually(have_come, SLACK_SECONDS, "five more numbers on each connection")
    assert all(each.alive for each in talking)


def test_connections_survive_every_director(
    pair: tuple[Host, Director, Director], tmp_path: Path
) -> None:
    """Over nat, dr and tun; through drift, reload, restart, a killed director and a power loss."""
    client, first, second = pair
    first.start()
    second.start()
    eventually(first.holds_both, START_SECONDS)
    eventually(first.threads, SLACK_SECONDS, expected=MASTER)
    eventually(second.threads, START_SECONDS, expected=BACKUP)
    eventually(lambda: len(kernel_table(first.host)), SLACK_SECONDS, expected=7)
    talking = [
        Conversation(client, each, PORT, tmp_path / f"{each}.client.log") for each in ADDRESSES
    ]

    expect_more(talking)
    eventually(second.knows_the_connections, SLACK_SECONDS)

    expect_a_drill_keeps_them(first)
    expect_more(talking)

    # An operator stops the daemon and edits the service.
    first.host.run("ipvsadm", "--stop-daemon", "master")
    first.host.run("ipvsadm", "-E", "-t", f"{OUTSIDE}:{PORT}", "-s", "rr")
    repaired = [*MASTER, f"-A -t {OUTSIDE}:{PORT} -s wlc"]
    eventually(
        lambda: [*first.threads(), first.service()],
        DRIFT_SECONDS + SLACK_SECONDS,
        expected=repaired,
    )
    expect_more(talking)
    assert b'"table_repaired"' in (first.ask("GET", "/v1/events") or b"")

    first.reload("wrr")
    eventually(lambda: first.service().endswith("-s wrr"), SLACK_SECONDS, "the scheduler wrr")
    expect_more(talking)

    before = first.checks_process()
    assert before is not None
    first.ask("POST", "/v1/restart")
    eventually(
        lambda: first.checks_process() not in (None, before), START_SECONDS, "a new checks process"
    )
    eventually(first.threads, SLACK_SECONDS, expected=MASTER)
    expect_more(talking)

    # Its vrrp process hands over at once; the kernel keeps the table.
    assert first.process is not None
    os.kill(first.process.pid, signal.SIGKILL)
    eventually(second.holds_both, SLACK_SECONDS)
    eventually(second.threads, SLACK_SECONDS, expected=MASTER)
    expect_more(talking)

    first.start()
    eventually(first.holds_both, START_SECONDS)
    eventually(
        lambda: (first.threads(), second.threads()), SLACK_SECONDS, expected=(MASTER, BACKUP)
    )
    expect_more(talking)

    first.host.lose_power()
    eventually(second.holds_both, SLACK_SECONDS)
    expect_more(talking)
    eventually(second.threads, SLACK_SECONDS, expected=MASTER)

    assert second.process is not None
    assert second.host.stop(second.process) == 0
    assert second.threads() == []
