"""Every kind of service in the examples of configs: the kernel's table, and the servers that
answer.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.answering import Answering, answer, connect, datagrams, reset
from tests.lab.experiment import FORWARDS, kernel_table, start_director
from tests.waiting import eventually

pytestmark = [pytest.mark.ipvs, pytest.mark.timeout(300)]

CONFIGS = Path(__file__).parents[2] / "configs"
START_SECONDS = 60.0
RESET_SECONDS = 10.0 + 15.0
"""The kernel keeps a connection that was reset for this time (ip_vs_proto_tcp.c), with slack."""

NEAR, OTHER, DIRECT = "192.168.122.70", "192.168.122.72", "192.168.122.71"
"""A client's addresses. Replies to the first two pass through the director."""
WEBS = {"web1": 45, "web2": 46}
VIRTUAL = {number: f"192.168.122.{number}" for number in range(22, 30)}
TUNNELLED = [VIRTUAL[number] for number in (26, 27, 28, 29)]

WITNESSED = """\
-A --sctp-service 192.168.122.24:36412 -s rr
-A -f 7 -s rr
-A -t 192.168.122.23:0 -s rr -p 300 -M 255.255.255.0
-A -t 192.168.122.24:80 -s wrr
-A -t 192.168.122.24:8080 -s wrr
-A -t 192.168.122.24:8081 -s wrr
-A -t 192.168.122.25:8080 -s fo
-A -t 192.168.122.26:80 -s rr
-A -t 192.168.122.27:80 -s rr
-A -t 192.168.122.28:80 -s rr
-A -t 192.168.122.29:80 -s rr
-A -u 192.168.122.25:5060 -s rr -p 60 --pe sip -o
-A -u 192.168.122.25:53 -s rr -o
-a --sctp-service 192.168.122.24:36412 -r 192.168.122.45:36412 -m -w 1
-a --sctp-service 192.168.122.24:36412 -r 192.168.122.46:36412 -m -w 1
-a -f 7 -r 192.168.122.45:0 -m -w 1
-a -f 7 -r 192.168.122.46:0 -m -w 1
-a -t 192.168.122.23:0 -r 192.168.122.45:0 -m -w 1
-a -t 192.168.122.23:0 -r 192.168.122.46:0 -m -w 1
-a -t 192.168.122.24:80 -r 192.168.122.45:80 -m -w 1
-a -t 192.168.122.24:8080 -r 192.168.122.45:80 -m -w 1
-a -t 192.168.122.24:8081 -r 192.168.122.45:80 -m -w 1
-a -t 192.168.122.25:8080 -r 192.168.122.45:80 -m -w 2
-a -t 192.168.122.25:8080 -r 192.168.122.46:80 -m -w 1
-a -t 192.168.122.26:80 -r 192.168.122.45:80 -i -w 1 --tun-type ipip
-a -t 192.168.122.26:80 -r 192.168.122.46:80 -i -w 1 --tun-type ipip
-a -t 192.168.122.27:80 -r 192.168.122.45:80 -i -w 1 --tun-type gre --tun-csum
-a -t 192.168.122.27:80 -r 192.168.122.46:80 -i -w 1 --tun-type gre --tun-csum
-a -t 192.168.122.28:80 -r 192.168.122.45:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-remcsum
-a -t 192.168.122.28:80 -r 192.168.122.46:80 -i -w 1 --tun-type ipip
-a -t 192.168.122.29:80 -r 192.168.122.45:80 -i -w 1 --tun-type ipip
-a -t 192.168.122.29:80 -r [fd00:122::46]:80 -i -w 1 --tun-type ipip
-a -u 192.168.122.25:5060 -r 192.168.122.45:5060 -m -w 1
-a -u 192.168.122.25:5060 -r 192.168.122.46:5060 -m -w 1
-a -u 192.168.122.25:53 -r 192.168.122.45:53 -m -w 1
-a -u 192.168.122.25:53 -r 192.168.122.46:53 -m -w 1
""".splitlines()
"""The table of both examples, as ipvsadm saves it."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Host, Host]]:
    """A client and a director with both examples; two servers answer with their names."""
    directory = tmp_path_factory.mktemp("services")
    with Network() as network, Answering() as servers:
        client = network.host("client", *(f"{each}/24" for each in (NEAR, OTHER, DIRECT)))
        director = network.host(
            "director", "192.168.122.30/24", "fd00:122::30/64", sysctls=FORWARDS
        )
        director.ip(*(f"address add {each}/32 dev eth0" for each in VIRTUAL.values()))
        for mark in ("80", "8080"):
            rule = ["-A", "PREROUTING", "-d", VIRTUAL[22], "-p", "tcp", "--dport", mark]
            director.run("iptables-legacy", "-t", "mangle", *rule, "-j", "MARK", "--set-mark", "7")
        for name, number in WEBS.items():
            serve(servers, real_server(network, name, number))
        start_director(director, configuration(directory), directory)
        eventually(lambda: kernel_table(director), START_SECONDS, expected=WITNESSED)
        yield client, director


def configuration(directory: Path) -> str:
    """Return both examples in one text."""
    texts = [(CONFIGS / name).read_text() for name in ("services.yaml", "tun.yaml")]
    lists = [text.partition("virtual_servers:\n")[2] for text in texts]
    director = f"director: {{name: lb1, runtime_directory: {directory}/run, check: none}}\n"
    timeouts = "connection_timeouts: {tcp: 1h, tcp_fin: 30s, udp: 2m}\n"
    return director + timeouts + "virtual_servers:\n" + "".join(lists)


def real_server(network: Network, name: str, number: int) -> Host:
    """Build a host that configs/tun.yaml requires.

    Its route to two client addresses is the director.
    """
    address = f"192.168.122.{number}"
    back = [f"{each}/32 via 192.168.122.30" for each in (NEAR, OTHER)]
    silent = {"net.ipv4.conf.all.arp_ignore": "1", "net.ipv4.conf.all.arp_announce": "2"}
    host = network.host(
        name, f"{address}/24", f"fd00:122::{number}/64", routes=back, sysctls=silent
    )
    host.ip(
        *(f"address add {each}/32 dev lo" for each in TUNNELLED),
        "link set tunl0 up",
        f"link add gre1 type gre local {address} csum",
        "link set gre1 up",
        "fou add port 6080 gue",
        f"link add six type ip6tnl mode ipip6 local fd00:122::{number}",
        "link set six up",
    )
    host.sysctl(
        {f"net.ipv4.conf.{each}.rp_filter": "0" for each in ("all", "tunl0", "gre1", "six")}
    )
    return host


def serve(servers: Answering, host: Host) -> None:
    """Answer on all ports of the examples."""
    servers.listen(host, (80, 8080))
    servers.listen(host, (53, 5060), socket.SOCK_DGRAM)
    servers.listen(host, (36412,), socket.SOCK_STREAM, socket.IPPROTO_SCTP)


def test_the_kernel_has_the_table_of_the_examples(site: tuple[Host, Host]) -> None:
    """The tunnel of a real server replaces the virtual server's tunnel."""
    _, director = site
    assert kernel_table(director) == WITNESSED


def test_timeouts_that_an_operator_changed_are_restored(site: tuple[Host, Host]) -> None:
    """The timeouts of ipvsadm --set."""
    _, director = site
    wanted = "Timeout (tcp tcpfin udp): 3600 30 120\n"
    eventually(lambda: timeouts(director), 5.0, expected=wanted)
    director.run("ipvsadm", "--set", "900", "0", "0")
    assert timeouts(director) == "Timeout (tcp tcpfin udp): 900 30 120\n"
    eventually(lambda: timeouts(director), 10.0 + 5.0, expected=wanted)


def timeouts(host: Host) -> str:
    """Return the connection timeouts, as ipvsadm shows them."""
    return host.run("ipvsadm", "-L", "--timeout").stdout


def test_marked_packets_are_shared_whatever_their_port(site: tuple[Host, Host]) -> None:
    """Both ports belong to one service, so they share its turns."""
    client, _ = site
    answers = [answer(client, NEAR, VIRTUAL[22], port) for port in (80, 8080, 8080, 80)]
    assert answers in (["web1", "web2"] * 2, ["web2", "web1"] * 2)


def test_all_ports_of_a_persistent_client_lead_to_one_server(site: tuple[Host, Host]) -> None:
    """So do the ports of clients within the prefix."""
    client, _ = site
    clients = [(NEAR, 80), (NEAR, 8080), (OTHER, 80), (OTHER, 8080)]
    answers = {answer(client, source, VIRTUAL[23], port) for source, port in clients}
    assert len(answers) == 1


def test_each_address_and_port_of_a_group_leads_to_its_pool(site: tuple[Host, Host]) -> None:
    """The real server has a port of its own."""
    client, _ = site
    assert [answer(client, NEAR, VIRTUAL[24], port) for port in (80, 8080, 8081)] == ["web1"] * 3


def test_sctp_associations_alternate(site: tuple[Host, Host]) -> None:
    """IPVS translates them like tcp."""
    client, _ = site
    answers = [answer(client, NEAR, VIRTUAL[24], 36412, socket.IPPROTO_SCTP) for _ in range(4)]
    assert answers in (["web1", "web2"] * 2, ["web2", "web1"] * 2)


def test_each_packet_of_one_client_port_is_scheduled(site: tuple[Host, Host]) -> None:
    """Without one_packet all packets would go to the server of the first one."""
    client, _ = site
    answers = datagrams(client, NEAR, VIRTUAL[25], 53, [b"who?"] * 6)
    assert answers in (["web1", "web2"] * 3, ["web2", "web1"] * 3)


def test_packets_of_one_call_stay_together(site: tuple[Host, Host]) -> None:
    """From every client; another call goes to another server."""
    client, _ = site
    calls = [
        f"INVITE sip:a@example.net SIP/2.0\r\nCall-ID: {call}@example.net\r\n\r\n".encode()
        for call in ("one", "two", "one", "two", "one")
    ]
    first = datagrams(client, NEAR, VIRTUAL[25], 5060, calls)
    assert first in (["web1", "web2"] * 2 + ["web1"], ["web2", "web1"] * 2 + ["web2"])
    assert datagrams(client, OTHER, VIRTUAL[25], 5060, calls) == first


def test_a_server_at_its_upper_threshold_waits_for_the_lower_one(site: tuple[Host, Host]) -> None:
    """The third connection goes to the other server, and so do more while one of the first two is
    left.
    """
    client, director = site

    def carried() -> int:
        """Return the connections of the limited server."""
        lines = director.run("ipvsadm", "-Lcn").stdout.splitlines()
        return sum(f"{VIRTUAL[25]}:8080 192.168.122.45:80" in " ".join(x.split()) for x in lines)

    made = [connect(client, NEAR, VIRTUAL[25], 8080) for _ in range(4)]
    assert [each.recv(100) for each in made] == [b"web1", b"web1", b"web2", b"web2"]
    listed = director.run("ipvsadm", "-Ln", "--thresholds").stdout.splitlines()
    [limits] = [
        line.split()[2:4] for line in listed if "192.168.122.45:80 " in line and " 2 " in line
    ]
    assert limits == ["2", "1"]
    first, second, *others = made
    reset(first)
    eventually(carried, RESET_SECONDS, expected=1)
    assert answer(client, NEAR, VIRTUAL[25], 8080) == "web2"
    reset(second)
    eventually(carried, RESET_SECONDS, expected=0)
    assert answer(client, NEAR, VIRTUAL[25], 8080) == "web1"
    for each in others:
        each.close()


@pytest.mark.parametrize("number", [26, 27, 28, 29], ids=["ipip", "gre", "gue", "mixed"])
def test_a_tunnel_reaches_both_servers(site: tuple[Host, Host], number: int) -> None:
    """They unwrap the packets and answer the client directly."""
    client, _ = site
    answers = [answer(client, DIRECT, VIRTUAL[number], 80) for _ in range(4)]
    assert answers in (["web1", "web2"] * 2, ["web2", "web1"] * 2)
