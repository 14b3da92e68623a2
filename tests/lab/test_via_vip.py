"""`via: vip` finds what probes of a real server's own address cannot: it has not the virtual one."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from hadirector.api.client import ApiError, request
from hadirector.lab.experiment import build_site, eventually, kernel_table, start_director
from hadirector.lab.topology import Host, Network
from hadirector.status import Status

pytestmark = [pytest.mark.ipvs, pytest.mark.timeout(400)]

CONFIGURATION = """\
director: {{name: {name}, runtime_directory: {directory}/{name}}}
vrrp:
  - name: web
    interface: eth0
    virtual_router_id: 51
    priority: {priority}
    advert_interval: 1s
    virtual_addresses: [192.168.122.22]
virtual_servers:
  - name: web
    address: 192.168.122.22:80
    scheduler: rr
    forwarding: {forwarding}
    check: {{type: tcp, via: vip, interval: 1s, timeout: 900ms, rise: 2, fall: 2}}
    real_servers: [{{address: 192.168.122.45}}, {{address: 192.168.122.46}}]
  - name: plain
    address: 192.168.122.23:80
    scheduler: rr
    forwarding: {forwarding}
    check: {{type: tcp, interval: 1s, timeout: 900ms, rise: 2, fall: 2}}
    real_servers: [{{address: 192.168.122.45}}, {{address: 192.168.122.46}}]
"""
START_SECONDS = 60.0
SLACK_SECONDS = 20.0
ACCEPT_LOCAL = "/proc/sys/net/ipv4/conf/eth0/accept_local"


class Witness:
    """A director of a pair, and what it says of web1, which is the faulty one, and web2."""

    def __init__(self, host: Host, directory: Path, priority: int, forwarding: str) -> None:
        self.host = host
        self._socket = f"{directory}/{host.name}/api.sock"
        text = CONFIGURATION.format(
            name=host.name, directory=directory, priority=priority, forwarding=forwarding
        )
        self.process = start_director(host, text, directory)

    def status(self) -> Status | None:
        try:
            return msgspec.json.decode(request(self._socket, "GET", "/v1/status"), type=Status)
        except ApiError:
            return None

    def says(self, state: str, web: tuple[str, str]) -> bool:
        """Whether it is in this state, and has these verdicts through the virtual address."""
        status = self.status()
        if status is None or not status.instances or status.instances[0].state != state:
            return False
        found = {
            server.name: tuple(each.verdict for each in server.real_servers)
            for server in status.virtual_servers
        }
        return found == {"web": web, "plain": ("passing", "passing")}


@pytest.mark.parametrize("forwarding", ["dr", "tun"])
def test_a_real_server_without_the_virtual_address_fails_on_both_directors(
    network: Network, tmp_path: Path, forwarding: str
) -> None:
    """Its own address passes. Given the virtual one it passes on both; a stop leaves nothing."""
    site = build_site(network, "dr", directors=2)
    web1, web2 = site.webs
    device = "lo"
    if forwarding == "tun":
        device = "tunl0"
        for web in site.webs:
            web.ip("link set tunl0 up", "address delete 192.168.122.22/32 dev lo")
        web2.ip("address add 192.168.122.22/32 dev tunl0")
    else:
        web1.ip("address delete 192.168.122.22/32 dev lo")
        # It would send a probe back to the active director, whose other real server would answer.
        web1.sysctl({"net.ipv4.ip_forward": "1"})
    site.start_webs()
    active, backup = (
        Witness(host, tmp_path, priority, forwarding)
        for host, priority in zip(site.directors, (200, 100), strict=True)
    )
    pair = ((active, "ACTIVE"), (backup, "BACKUP"))
    for director, state in pair:
        assert eventually(
            lambda d=director, s=state: d.says(s, ("failing", "passing")), START_SECONDS
        )  # type: ignore[misc]
        status = director.status()
        assert status is not None
        reason = status.virtual_servers[0].real_servers[0].reason
        assert "asked as 192.168.122.22: has it that address?" in reason
        assert status.foreign_services == ()
        letter = "g" if forwarding == "dr" else "i"
        table = kernel_table(director.host)
        assert [each for each in table if "-f " in each] == [
            "-A -f 1749298439 -s rr",
            "-A -f 1752668339 -s rr",
            f"-a -f 1749298439 -r 192.168.122.45:0 -{letter} -w 1",
            f"-a -f 1752668339 -r 192.168.122.46:0 -{letter} -w 1",
        ]
        assert not [each for each in table if "192.168.122.22:80 -r 192.168.122.45" in each]

    web1.ip(f"address add 192.168.122.22/32 dev {device}")
    for director, state in pair:
        assert eventually(
            lambda d=director, s=state: d.says(s, ("passing", "passing")), SLACK_SECONDS
        )  # type: ignore[misc]
    for director, _ in pair:
        director.host.stop(director.process)
        assert kernel_table(director.host) == []
        assert director.host.run("cat", ACCEPT_LOCAL).stdout == "0\n"
