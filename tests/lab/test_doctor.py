"""`hadirector doctor` on hosts with what makes newcomers to LVS lose days, and on others."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.experiment import Site, build_site

netns = pytest.mark.netns
"""These need no IPVS: the doctor names its absence beside what they are about."""

SERVERS = """\
  real_servers:
  - {address: 192.168.122.45}
  - {address: 192.168.122.46}
"""
CHECK = "  check: {type: tcp, interval: 2s, timeout: 1s}\n"


def configuration(forwarding: str, address: str = "192.168.122.22", rest: str = "") -> str:
    return (
        f"virtual_servers:\n- name: web\n  address: {address}:80\n  scheduler: rr\n"
        f"  forwarding: {forwarding}\n{CHECK}{SERVERS}{rest}"
    )


def doctor(host: Host, text: str, directory: Path, *options: str) -> tuple[int, list[str]]:
    """Exit status and findings: severity, line of the file if there is one, and what it is."""
    file = directory / "doctor.yaml"
    file.write_text(text)
    command = (sys.executable, "-m", "hadirector", "doctor", "-c", str(file), "--json", *options)
    done = host.run(*command, check=False)
    assert done.stderr == ""
    return done.returncode, [
        " ".join(filter(None, (each["severity"], *each["place"].split(":")[1:2], each["what"])))
        for each in json.loads(done.stdout)
    ]


def about(findings: list[str], words: str) -> list[str]:
    return [each for each in findings if words in each]


@pytest.fixture
def nat(network: Network) -> Site:
    """Real servers with a route to the client, .70, by way of the director."""
    site = build_site(network, "nat")
    site.directors[0].ip("address add 192.168.122.22/32 dev eth0")
    site.directors[0].sysctl({"net.ipv4.ip_forward": "0"})
    return site


@netns
def test_nat_with_clients_beside_the_real_servers(nat: Site, tmp_path: Path) -> None:
    """The way back is proven for the client with a route, and its want for another one."""
    [director] = nat.directors
    text = configuration("nat")
    _, findings = doctor(director, text, tmp_path, "--client", "192.168.122.70")
    assert about(findings, "as nat needs") == []
    status, findings = doctor(director, text, tmp_path, "--client", "192.168.122.71")
    assert status == 1
    assert about(findings, "as nat needs") == [
        f"error {line} web/192.168.122.{host}:80: its answers to the client 192.168.122.71 do not"
        " come back through this director, as nat needs (proven by an echo request in that name)"
        for line, host in ((8, 45), (9, 46))
    ]


@netns
def test_ip_forward_that_nobody_sets(nat: Site, tmp_path: Path) -> None:
    [director] = nat.directors
    rest = "sysctls: {leave: [ip_forward]}\n"
    _, findings = doctor(director, configuration("nat", rest=rest), tmp_path)
    [found] = about(findings, "ip_forward")
    assert found.startswith("error net.ipv4.ip_forward is 0, expected 1 (nat: ")
    _, findings = doctor(director, configuration("nat"), tmp_path)
    [found] = about(findings, "ip_forward")
    assert found.startswith("note net.ipv4.ip_forward is 0")
    assert director.run("cat", "/proc/sys/net/ipv4/ip_forward").stdout == "0\n"


@netns
def test_dr_through_a_gateway_and_from_the_virtual_address(
    network: Network, tmp_path: Path
) -> None:
    [director] = build_site(network, "dr").directors
    _, findings = doctor(director, configuration("dr"), tmp_path)
    assert about(findings, "gateway") == about(findings, "own address") == []
    director.ip("route add 192.168.122.45/32 via 192.168.122.46")
    text = configuration("dr", address="192.168.122.30")
    status, findings = doctor(director, text, tmp_path)
    assert status == 1
    [found] = about(findings, "gateway")
    assert found.startswith("error 8 web/192.168.122.45:80: 192.168.122.45 is reached through")
    own = "the virtual address 192.168.122.30 is this director's own address towards"
    assert len(about(findings, own)) == 2


@netns
def test_a_tunnel_on_a_link_that_is_no_wider_than_the_clients(
    network: Network, tmp_path: Path
) -> None:
    """A single route that is known to be wider is enough for its real server."""
    director = network.host("director", "192.168.122.30/24", "192.168.122.22/32")
    _, findings = doctor(director, configuration("tun"), tmp_path)
    assert len(about(findings, "1480 fit into the ipip tunnel (1500 of eth0 less 20)")) == 2
    director.ip(
        "link add wide type veth peer name peer",
        "link set wide mtu 1520 up",
        "link set peer mtu 1520 up",
        "route add 192.168.122.45/32 dev wide",
    )
    _, findings = doctor(director, configuration("tun"), tmp_path)
    assert [each.split()[:2] for each in about(findings, "fit into")] == [["warning", "9"]]


@netns
def test_a_real_server_that_is_off(network: Network, tmp_path: Path) -> None:
    """Unreachable ones are told from those that refuse, and from those without a route."""
    site = build_site(network, "dr")
    site.webs[0].link_down()
    text = configuration("dr").replace(SERVERS, f"{SERVERS}  - {{address: 10.9.9.9}}\n")
    _, findings = doctor(site.directors[0], text, tmp_path)
    assert about(findings, "10.9.9.9") == [
        "error 10 web/10.9.9.9:80: this host has no route to 10.9.9.9"
    ]
    [found] = about(findings, "192.168.122.46:80")
    assert found.startswith("warning 9 web/192.168.122.46:80: its check fails: ")
    assert "refused" in found
    [found] = about(findings, "192.168.122.45:80")
    assert found.startswith("warning 8 web/192.168.122.45:80: its check fails: ")
    assert len(about(findings, "none of its real servers passes its check")) == 1


@netns
def test_a_fit_host_is_the_status_0(network: Network, tmp_path: Path) -> None:
    """The dataplane that programs nothing has no need of IPVS."""
    site = build_site(network, "dr")
    site.start_webs()
    text = configuration("dr", rest="director: {dataplane: dry-run}\n")
    assert doctor(site.directors[0], text, tmp_path) == (0, [])


@pytest.mark.ipvs
@pytest.mark.timeout(300)
def test_the_virtual_address_is_missing_and_a_scheduler_too(
    network: Network, tmp_path: Path
) -> None:
    """Seen by a director with the virtual address and by one without; what it added is gone."""
    site = build_site(network, "dr")
    [director], [web1, web2] = site.directors, site.webs
    site.start_webs()
    director.run("ipvsadm", "-A", "-f", "7", "-s", "rr")
    silent = "it answers on its own address, but not on the virtual one, 192.168.122.22: no answer"

    director.ip("address add 192.168.122.22/32 dev eth0")
    web1.ip("address delete 192.168.122.22/32 dev lo")
    status, findings = doctor(director, configuration("dr"), tmp_path)
    [found] = [each for each in findings if not each.startswith("note net")]
    assert (status, found) == (1, f"error 8 web/192.168.122.45:80: {silent} within 3 s")
    assert director.run("ipvsadm", "-Sn").stdout.split() == ["-A", "-f", "7", "-s", "rr"]

    director.ip("address delete 192.168.122.22/32 dev eth0")
    web1.ip("address add 192.168.122.22/32 dev lo")
    web2.ip("address delete 192.168.122.22/32 dev lo")
    status, findings = doctor(director, configuration("dr"), tmp_path)
    [found] = [each for each in findings if not each.startswith("note net")]
    assert status == 1
    assert found.startswith(f"error 9 web/192.168.122.46:80: {silent} within 1 s while")
    assert director.run("ipvsadm", "-Sn").stdout.split() == ["-A", "-f", "7", "-s", "rr"]

    text = configuration("dr").replace("scheduler: rr", "scheduler: twos")
    status, findings = doctor(director, text, tmp_path)
    assert status == 1
    assert "error 4 the kernel has no scheduler twos: its module ip_vs_twos is missing" in findings
