"""One service whose real servers have different forwarding methods."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.experiment import fetch, kernel_table, start_director, start_web
from tests.lab.tcp_connection import Conversation, start_server
from tests.waiting import eventually

VIRTUAL = "192.168.122.22"
CONFIGURATION = """\
director: {{name: lb1, dataplane: ipvs, runtime_directory: {directory}/run}}
virtual_servers:
  - name: web
    address: 192.168.122.22:80
    scheduler: rr
    check: none
    real_servers:
      - {{address: 192.168.122.45}}
      - {{address: 192.168.122.46, forwarding: {second}}}
      - {{address: 192.168.122.47, forwarding: tun}}
"""
EDIT = (
    "edit destination 192.168.122.46:80 of tcp 192.168.122.22:80 (tun in ipip, weight 1), was dr,"
    " weight 1"
)
DR, TUN = "-g -w 1", "-i -w 1 --tun-type ipip"
START_SECONDS, RELOAD_SECONDS = 60.0, 30.0


def table(second: str) -> list[str]:
    """Return the table as ipvsadm saves it, with the options of the second real server."""
    service = "-t 192.168.122.22:80"
    options = zip((45, 46, 47), ("-m -w 1", second, TUN), strict=True)
    entries = [f"-a {service} -r 192.168.122.{host}:80 {end}" for host, end in options]
    return sorted([f"-A {service} -s rr", *entries])


def make_servers(network: Network) -> list[Host]:
    """Make a host behind nat, a host for dr or tun, and a host behind tun."""
    back = ["192.168.122.70/32 via 192.168.122.30"]
    silent = {"net.ipv4.conf.all.arp_ignore": "1", "net.ipv4.conf.all.arp_announce": "2"}
    hosts = [network.host("web1", "192.168.122.45/24", routes=back)]
    for number in (2, 3):
        web = network.host(f"web{number}", f"192.168.122.{44 + number}/24", sysctls=silent)
        web.ip("link set tunl0 up", f"address add {VIRTUAL}/32 dev tunl0")
        web.sysctl({f"net.ipv4.conf.{each}.rp_filter": "0" for each in ("all", "tunl0")})
        hosts.append(web)
    return hosts


def methods(director: Host) -> list[str]:
    """Return the method of each real server in the listing of ipvsadm."""
    lines = director.run("ipvsadm", "-Ln").stdout.splitlines()
    return [line.split()[2] for line in lines if line.lstrip().startswith("-> 192")]


def connections(director: Host) -> list[str]:
    """Return the real server of each established connection in the listing of ipvsadm."""
    lines = director.run("ipvsadm", "-Lnc").stdout.splitlines()
    rows = [line.split() for line in lines if "ESTABLISHED" in line]
    return [row[-1].partition(":")[0] for row in rows]


@pytest.mark.ipvs
@pytest.mark.timeout(300)
def test_each_real_server_of_a_service_is_reached_by_its_own_method(
    network: Network, tmp_path: Path
) -> None:
    """A reload that changes the method of one server edits its destination alone."""
    client = network.host("client", "192.168.122.70/24")
    director = network.host("director", "192.168.122.30/24", f"{VIRTUAL}/32")
    for web in make_servers(network):
        start_web(web, web.name)
    text = CONFIGURATION.format(directory=tmp_path, second="dr")
    running = start_director(director, text, tmp_path)
    eventually(lambda: kernel_table(director), START_SECONDS, expected=table(DR))
    assert sorted(methods(director)) == ["Masq", "Route", "Tunnel"]
    assert sorted(fetch(client, VIRTUAL, 9)) == ["web1"] * 3 + ["web2"] * 3 + ["web3"] * 3

    text = CONFIGURATION.format(directory=tmp_path, second="tun")
    file = tmp_path / "director.yaml"
    file.write_text(text)
    socket = str(tmp_path / "run/api.sock")
    command = (sys.executable, "-m", "hadirector", "plan", "-c", str(file), "--socket", socket)
    planned = director.run(*command, check=False).stdout.splitlines()
    assert [line.strip() for line in planned if "destination" in line] == [EDIT]
    running.send_signal(signal.SIGHUP)
    eventually(lambda: kernel_table(director), RELOAD_SECONDS, expected=table(TUN))
    assert sorted(fetch(client, VIRTUAL, 9)) == ["web1"] * 3 + ["web2"] * 3 + ["web3"] * 3


@pytest.mark.ipvs
@pytest.mark.timeout(300)
def test_connections_through_each_method_outlast_a_reload_that_changes_a_method(
    network: Network, tmp_path: Path
) -> None:
    """The connection to the changed server goes on by its old method: nothing is lost."""
    client = network.host("client", "192.168.122.70/24")
    director = network.host("director", "192.168.122.30/24", f"{VIRTUAL}/32")
    for web in make_servers(network):
        start_server(web, 80)
    text = CONFIGURATION.format(directory=tmp_path, second="dr")
    running = start_director(director, text, tmp_path)
    eventually(lambda: kernel_table(director), START_SECONDS, expected=table(DR))
    held = [Conversation(client, VIRTUAL, 80, tmp_path / f"client{n}.log") for n in range(3)]
    eventually(lambda: all(each.exchanges > 0 for each in held), START_SECONDS, "three answers")
    assert sorted(connections(director)) == ["192.168.122.45", "192.168.122.46", "192.168.122.47"]

    (tmp_path / "director.yaml").write_text(CONFIGURATION.format(directory=tmp_path, second="tun"))
    running.send_signal(signal.SIGHUP)
    eventually(lambda: kernel_table(director), RELOAD_SECONDS, expected=table(TUN))
    before = [each.exchanges for each in held]
    eventually(
        lambda: all(each.exchanges > old + 10 for each, old in zip(held, before, strict=True)),
        RELOAD_SECONDS,
        "ten more answers on each connection",
    )
    assert all(each.alive for each in held)
    assert sorted(connections(director)) == ["192.168.122.45", "192.168.122.46", "192.168.122.47"]
