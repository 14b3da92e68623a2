"""An upgrade of the package gives a running director the new program, and moves no address."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.tcp_connection import Conversation, start_server
from tests.packages.clean_root import CleanRoot
from tests.packages.running import VIRTUAL_ADDRESS, running

pytestmark = [pytest.mark.package, pytest.mark.timeout(900)]

CONFIGURATION = """\
director: {name: lb1, dataplane: dry-run}
vrrp:
  - {name: web, interface: eth0, virtual_router_id: 51, advert_interval: 100ms,
     virtual_addresses: [192.168.122.22/24]}
"""
FAULTY = CONFIGURATION.replace("interface", "interfaces")
PORT, CONNECTIONS_MIN, EXCHANGES_MIN = 8080, 50, 10
NEW_CONNECTIONS = """\
import socket, sys, time
attempts = lost = 0
try:
    while True:
        attempts += 1
        try:
            with socket.create_connection((sys.argv[1], int(sys.argv[2])), 1.0) as connection:
                connection.sendall(b"x\\n")
                lost += connection.recv(2) != b"x\\n"
        except OSError:
            lost += 1
        time.sleep(0.02)
except KeyboardInterrupt:
    print(attempts - 1, lost)
"""


def children(process: subprocess.Popen[str]) -> dict[str, int]:
    """Return the ids of the director's child processes, by their module."""
    found = {}
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    for child in listed.split():
        arguments = Path(f"/proc/{child}/cmdline").read_text().split("\0")
        found[next(each for each in arguments if each.endswith("_process"))] = int(child)
    return found


def test_no_connection_to_the_virtual_address_is_lost(
    root: CleanRoot, package: Path, network: Network, director: Host, tmp_path: Path
) -> None:
    """The director keeps its process id, and the vrrp process stays."""
    client = network.host("client", "192.168.122.70/24")
    with running(root, director, CONFIGURATION, tmp_path / "director.log") as process:
        server = start_server(director, PORT)
        before = children(process)
        conversation = Conversation(client, VIRTUAL_ADDRESS, PORT, tmp_path / "conversation.log")
        new = (sys.executable, "-c", NEW_CONNECTIONS, VIRTUAL_ADDRESS, str(PORT))
        connecting = client.start(*new, output=subprocess.PIPE)
        try:
            printed = root.install(package)
            time.sleep(1.0)
            connecting.send_signal(signal.SIGINT)
            attempts, lost = map(int, connecting.communicate(timeout=10.0)[0].split())
            assert conversation.alive
            after = children(process)
            log = (tmp_path / "director.log").read_text()
        finally:
            client.stop(connecting)
            client.stop(conversation.process)
            director.stop(server)
    assert "restarted: version" in printed
    assert (lost, attempts > CONNECTIONS_MIN) == (0, True)
    assert conversation.exchanges > EXCHANGES_MIN
    [module] = [each for each in before if "vrrp" in each]
    assert after[module] == before[module]
    assert log.count('"director_started"') == 2
    assert log.count('"vrrp_state_changed"') == 2  # to BACKUP and ACTIVE, once


def test_a_refused_configuration_leaves_the_old_program(
    root: CleanRoot, package: Path, director: Host, tmp_path: Path
) -> None:
    with running(root, director, CONFIGURATION, tmp_path / "director.log"):
        (root.path / "etc/hadirector/hadirector.yaml").write_text(FAULTY)
        printed = root.install(package)
        assert director.holds(VIRTUAL_ADDRESS)
    assert 'unknown key "interfaces"' in printed
    assert "the old program goes on running" in printed
    assert (tmp_path / "director.log").read_text().count('"director_started"') == 1


def test_an_installation_beside_keepalived_warns_and_changes_nothing(
    root: CleanRoot, package: Path
) -> None:
    assert root.run("dpkg", "--purge", "hadirector").returncode == 0
    (root.path / "tmp/package.deb").write_bytes(package.read_bytes())
    script = (
        "cp /bin/sleep /tmp/keepalived; /tmp/keepalived 600 & dpkg -i /tmp/package.deb; kill $!"
    )
    done = root.run("sh", "-c", script)
    assert "keepalived runs on this host. Nothing was started or changed." in done.stderr
    assert os.listdir(root.path / "etc/hadirector") == []
