"""`via: vip` finds a real server that does not have the virtual address."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from hadirector.api.client import ApiError, request
from hadirector.lab.topology import Host, Network
from hadirector.status.report import RealServerStatus, Status
from tests.lab.experiment import build_site, kernel_table, start_director
from tests.waiting import eventually

CONFIGURATION = """\
director:
  name: {name}
  runtime_directory: {directory}/{name}
  check: {{type: tcp, via: vip, interval: 1s, timeout: 900ms, rise: 2, fall: 2}}
vrrp:
  - name: web
    interface: eth0
    virtual_router_id: 51
    priority: {priority}
    advert_interval: 500ms
    virtual_addresses: [192.168.122.22, 192.168.122.23]
virtual_servers:
  - name: routed
    address: 192.168.122.22:80
    scheduler: rr
    forwarding: dr
    real_servers: [{{address: 192.168.122.45}}, {{address: 192.168.122.46}}]
  - name: tunnelled
    address: 192.168.122.23:80
    scheduler: rr
    forwarding: tun
    real_servers: [{{address: 192.168.122.45}}, {{address: 192.168.122.46}}]
  - name: unaware
    address: 192.168.122.22:8080
    scheduler: rr
    forwarding: dr
    check: {{type: tcp, port: 80, interval: 1s, timeout: 900ms, rise: 2, fall: 2}}
    real_servers: [{{address: 192.168.122.45}}, {{address: 192.168.122.46}}]
"""
PROBED = [
    "-A -f 1747424983 -s rr",
    "-A -f 1753680889 -s rr",
    "-A -f 1755829330 -s rr",
    "-A -f 1759982408 -s rr",
    "-a -f 1747424983 -r 192.168.122.45:0 -i -w 1 --tun-type ipip",
    "-a -f 1753680889 -r 192.168.122.46:0 -g -w 1",
    "-a -f 1755829330 -r 192.168.122.46:0 -i -w 1 --tun-type ipip",
    "-a -f 1759982408 -r 192.168.122.45:0 -g -w 1",
]
START_SECONDS = 60.0
SLACK_SECONDS = 20.0
ACCEPT_LOCAL = "/proc/sys/net/ipv4/conf/eth0/accept_local"


class Director:
    """One director of a pair, with its status."""

    def __init__(self, host: Host, directory: Path, priority: int) -> None:
        self.host = host
        self._socket = f"{directory}/{host.name}/api.sock"
        text = CONFIGURATION.format(name=host.name, directory=directory, priority=priority)
        self._process = start_director(host, text, directory)

    def status(self) -> Status | None:
        try:
            return msgspec.json.decode(request(self._socket, "GET", "/v1/status"), type=Status)
        except ApiError:
            return None

    def is_in(self, state: str) -> bool:
        status = self.status()
        return status is not None and any(each.state == state for each in status.instances)

    def real_servers(self) -> dict[str, tuple[RealServerStatus, ...]]:
        status = self.status()
        return {each.name: each.real_servers for each in status.virtual_servers} if status else {}

    def expect(self, routed: str, tunnelled: str) -> None:
        """Wait until web1 and web2 have these verdicts, a letter for each."""
        wanted = {"routed": routed, "tunnelled": tunnelled, "unaware": "pp"}

        def found() -> dict[str, str]:
            servers = self.real_servers().items()
            return {name: "".join(each.verdict[0] for each in those) for name, those in servers}

        eventually(found, START_SECONDS, expected=wanted)

    def stop(self) -> None:
        self.host.stop(self._process)


@pytest.mark.ipvs
@pytest.mark.timeout(400)
def test_a_real_server_without_the_virtual_address_fails_on_both_directors(
    network: Network, tmp_path: Path
) -> None:
    """Other services of the same host pass.

    With the virtual address it passes on both. A stop leaves nothing.
    """
    site = build_site(network, "dr", directors=2)
    web1, web2 = site.webs
    for web in site.webs:
        web.ip("link set tunl0 up")
    web1.ip("address delete 192.168.122.22/32 dev lo", "address add 192.168.122.23/32 dev tunl0")
    # It would send a probe back to the ACTIVE director, whose other real server would answer.
    web1.sysctl({"net.ipv4.ip_forward": "1"})
    site.start_webs()
    pair = [
        Director(host, tmp_path, priority)
        for host, priority in zip(site.directors, (200, 100), strict=True)
    ]
    active, backup = pair
    eventually(lambda: active.is_in("ACTIVE"), START_SECONDS, "the first director ACTIVE")
    eventually(lambda: backup.is_in("BACKUP"), SLACK_SECONDS, "the second director BACKUP")

    for director in pair:
        director.expect(routed="fp", tunnelled="pf")
        servers = director.real_servers()
        question = "(probed at 192.168.122.22: check that the target has this address configured)"
        assert question in servers["routed"][0].reason
        question = "(probed at 192.168.122.23: check that the target has this address configured)"
        assert question in servers["tunnelled"][1].reason
        table = kernel_table(director.host)
        assert [each for each in table if " -f " in each] == PROBED
        assert "-a -t 192.168.122.22:80 -r 192.168.122.46:80 -g -w 1" in table
        assert "-a -t 192.168.122.22:80 -r 192.168.122.45:80 -g -w 1" not in table
        status = director.status()
        assert status is not None
        assert status.foreign_services == ()

    web1.ip("address add 192.168.122.22/32 dev lo")
    web2.ip("address add 192.168.122.23/32 dev tunl0")
    for director in pair:
        director.expect(routed="pp", tunnelled="pp")

    for director in reversed(pair):
        director.stop()
        assert kernel_table(director.host) == []
        assert director.host.run("cat", ACCEPT_LOCAL).stdout == "0\n"
