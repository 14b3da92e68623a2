"""`hadirector doctor` on hosts with the faults that newcomers to LVS make, and on fit hosts."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.experiment import Site, build_site

netns = pytest.mark.netns
"""These tests need no IPVS: doctor reports its absence besides the findings of the test."""

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


VRRP = (
    "vrrp: [{name: web, interface: eth0, virtual_router_id: 51,"
    " virtual_addresses: [192.168.122.22]}]\n"
)
"""An instance that holds the virtual address."""


def doctor(host: Host, text: str, directory: Path, *options: str) -> tuple[int, list[str]]:
    """Exit status and findings: severity, line of the file if there is one, and the fault."""
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
    """Real servers with a route through the director to the client .70."""
    site = build_site(network, "nat")
    site.directors[0].ip("address add 192.168.122.22/32 dev eth0")
    site.directors[0].sysctl({"net.ipv4.ip_forward": "0"})
    return site


def received_echoes(host: Host) -> int:
    """The echo requests that a host has received (proc(5), /proc/net/snmp)."""
    text = host.run("cat", "/proc/net/snmp").stdout
    names, values = (line.split() for line in text.splitlines() if line.startswith("Icmp: "))
    return int(values[names.index("InEchos")])


@netns
def test_the_return_path_of_nat_is_proven_for_a_client(nat: Site, tmp_path: Path) -> None:
    """The real servers have a route through the director to one of the two clients."""
    [director] = nat.directors
    text = configuration("nat")
    _, findings = doctor(director, text, tmp_path, "--prove", "--client", "192.168.122.70")
    assert about(findings, "as nat requires") == about(findings, "not proven") == []
    status, findings = doctor(director, text, tmp_path, "--prove", "--client", "192.168.122.71")
    assert status == 1
    assert about(findings, "as nat requires") == [
        f"error {line} web/192.168.122.{host}:80: its replies to the client 192.168.122.71 do not"
        " return through this director, as nat requires (proven by an echo request with that"
        " source address)"
        for line, host in ((8, 45), (9, 46))
    ]


@netns
def test_without_prove_no_echo_request_is_sent(nat: Site, tmp_path: Path) -> None:
    [director] = nat.directors
    _, findings = doctor(director, configuration("nat"), tmp_path)
    assert about(findings, "note nat: ") == [
        "note nat: it is not proven that replies return through this director from"
        " web/192.168.122.45:80, web/192.168.122.46:80"
    ]
    assert [received_echoes(web) for web in nat.webs] == [0, 0]
    doctor(director, configuration("nat"), tmp_path, "--prove")
    assert all(received_echoes(web) for web in nat.webs)


@netns
def test_ip_forward_that_is_left_to_the_operator(nat: Site, tmp_path: Path) -> None:
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
def test_a_tunnel_on_a_link_with_the_mtu_of_the_clients(network: Network, tmp_path: Path) -> None:
    """A route with a greater MTU is enough for its real server."""
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
    """A real server that is off, a real server that refuses, and a missing route differ."""
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
def test_a_fit_host_has_status_0(network: Network, tmp_path: Path) -> None:
    """The dry-run dataplane needs no IPVS."""
    site = build_site(network, "dr")
    site.start_webs()
    text = configuration("dr", rest="director: {dataplane: dry-run}\n" + VRRP)
    assert doctor(site.directors[0], text, tmp_path) == (0, [])


@pytest.mark.ipvs
@pytest.mark.timeout(300)
def test_a_real_server_without_the_virtual_address(network: Network, tmp_path: Path) -> None:
    """The BACKUP director finds it, the ACTIVE director cannot; both leave the table as it was."""
    site = build_site(network, "dr")
    [director], [_, web2] = site.directors, site.webs
    site.start_webs()
    director.run("ipvsadm", "-A", "-f", "7", "-s", "rr")
    web2.ip("address delete 192.168.122.22/32 dev lo")

    director.ip("address add 192.168.122.22/32 dev eth0")
    status, findings = doctor(director, configuration("dr"), tmp_path)
    assert status == 0
    assert [finding for finding in findings if not finding.startswith("note net")] == [
        f"note {line} web/192.168.122.{host}:80: not probed at the virtual address 192.168.122.22:"
        " this host holds that address, and eth0 accepts no packets from an address of this host"
        for line, host in ((8, 45), (9, 46))
    ]
    assert director.run("ipvsadm", "-Sn").stdout.split() == ["-A", "-f", "7", "-s", "rr"]

    director.ip("address delete 192.168.122.22/32 dev eth0")
    status, findings = doctor(director, configuration("dr", rest=VRRP), tmp_path)
    [finding] = [finding for finding in findings if not finding.startswith("note net")]
    assert status == 1
    assert finding.startswith(
        "error 9 web/192.168.122.46:80: the real server answers on its own address, but not on"
        " the virtual address 192.168.122.22: no answer within 1 s while"
    )
    assert director.run("ipvsadm", "-Sn").stdout.split() == ["-A", "-f", "7", "-s", "rr"]


@pytest.mark.ipvs
def test_a_missing_scheduler(network: Network, tmp_path: Path) -> None:
    site = build_site(network, "dr")
    text = configuration("dr").replace("scheduler: rr", "scheduler: twos")
    status, findings = doctor(site.directors[0], text, tmp_path)
    assert status == 1
    assert "error 4 the kernel has no scheduler twos: its module ip_vs_twos is missing" in findings
