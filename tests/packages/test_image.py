"""The image: unpacked, verified, and run with its own configuration and two capabilities."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hadirector import __version__
from hadirector.lab.topology import Host, Network
from tests.lab.tcp_connection import start_server
from tests.packages.conftest import TREE
from tests.packages.container import DOCKER, PODMAN, ROOT, Container, Privileges, read_status
from tests.packages.running import VIRTUAL_ADDRESS
from tests.waiting import eventually

pytestmark = [pytest.mark.package, pytest.mark.timeout(900)]

PORT = 8080
NET_ADMIN_AND_NET_RAW = "0000000000003000"
CONFIGURATION = f"""\
director: {{name: lb1, dataplane: userspace}}
vrrp:
  - {{name: web, interface: eth0, virtual_router_id: 51, advert_interval: 100ms,
     virtual_addresses: [{VIRTUAL_ADDRESS}/24]}}
virtual_servers:
  - {{name: web, address: '{VIRTUAL_ADDRESS}:{PORT}', scheduler: rr, forwarding: nat,
     check: {{type: tcp, interval: 200ms, timeout: 1s, rise: 1, fall: 1}},
     real_servers: [{{address: '192.168.122.45:{PORT}'}}]}}
"""


@pytest.fixture(scope="module")
def container(
    package: Path, base: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Container]:
    assemble = [sys.executable, "-m", "tests.image", str(package), __version__, str(base)]
    subprocess.run(assemble, cwd=TREE, check=True, timeout=600)
    directory = tmp_path_factory.mktemp("container")
    yield Container(directory, TREE / "build/image")
    subprocess.run(["rm", "-rf", str(directory)], check=True)


def test_the_image_serves_is_healthy_and_stops_in_order(
    container: Container, network: Network, director: Host, tmp_path: Path
) -> None:
    """The root is read-only, the health check passes and fails, and doctor sees the limits."""
    server = network.host("server", "192.168.122.45/24")
    backend = start_server(server, PORT)
    log = tmp_path / "log"
    check = container.config["Healthcheck"]["Test"][1:]
    with container.running(director, CONFIGURATION, log) as process:
        eventually(lambda: director.holds(VIRTUAL_ADDRESS), 30.0, "ACTIVE")
        assert container.config["User"] == "990:990"
        eventually(lambda: container.execute(*check).returncode, 20.0, "health", expected=0)
        examined = container.execute("hadirector", "doctor", *container.config["Cmd"][1:]).stdout
        assert "/proc/sys is read-only" in examined
        assert f"{'':12}net.ipv4.conf.eth0.promote_secondaries = 1\n" in examined
        server.stop(backend)
        eventually(lambda: container.execute(*check).returncode, 20.0, "a fault", expected=1)
        refused = container.execute("touch", "/tmp/file")
        assert "Read-only file system" in refused.stderr
        container.stop()
        assert process.wait(20.0) == 0, log.read_text()
    assert not director.holds(VIRTUAL_ADDRESS)
    assert [line for line in log.read_text().splitlines() if '"level": "error"' in line] == []


def test_no_module_is_compiled_at_a_start(container: Container) -> None:
    """The root is read-only, and a compiled module has the time of its source (PEP 3147)."""
    [source] = container.root.glob("usr/lib/hadirector/lib/*/site-packages/hadirector/__main__.py")
    [compiled] = source.parent.glob("__pycache__/__main__.*.pyc")
    time_of_source = int.from_bytes(compiled.read_bytes()[8:12], "little")
    assert time_of_source == int(source.stat().st_mtime)


@pytest.mark.parametrize("privileges", [DOCKER, PODMAN, ROOT], ids=["docker", "podman", "root"])
def test_the_director_has_the_capabilities_of_the_container(
    container: Container, director: Host, tmp_path: Path, privileges: Privileges
) -> None:
    with container.running(director, CONFIGURATION, tmp_path / "log", privileges):
        eventually(lambda: director.holds(VIRTUAL_ADDRESS), 30.0, "ACTIVE")
        status = read_status(container.pid())
    sets = {each: status[each] for each in ("CapEff", "CapPrm", "CapBnd", "CapAmb")}
    assert sets == dict.fromkeys(sets, NET_ADMIN_AND_NET_RAW)
    assert status["Uid"].split() == [str(privileges.user)] * 4
