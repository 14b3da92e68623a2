"""Networks of namespaces: built, cut, and removed without a trace."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from hadirector.lab.topology import Host, Network, TopologyError
from tests.lab.experiment import FORWARDS, fetch, kernel_table, start_web
from tests.waiting import eventually

CARRIER = "/sys/class/net/eth0/carrier"


def reaches(client: Host, address: str) -> bool:
    # No process listens on this port: a host that is reached refuses at once.
    [answer] = fetch(client, address, 1, seconds=1.0)
    return "Couldn't connect" in answer


@pytest.mark.netns
class TestNetwork:
    def test_hosts_reach_each_other(self, network: Network) -> None:
        """Two hosts on the bridge exchange packets at once."""
        left = network.host("left", "192.168.122.70/24")
        network.host("right", "192.168.122.45/24")
        assert reaches(left, "192.168.122.45")

    def test_routes_and_sysctls_are_set(self, network: Network) -> None:
        """A host gets its routes and kernel parameters."""
        host = network.host(
            "host",
            "192.168.122.45/24",
            routes=["192.168.122.70/32 via 192.168.122.30"],
            sysctls={"net.ipv4.conf.all.arp_ignore": "1"},
        )
        assert "192.168.122.70 via 192.168.122.30 dev eth0" in host.run("ip", "route").stdout
        assert host.run("cat", "/proc/sys/net/ipv4/conf/all/arp_ignore").stdout == "1\n"

    def test_cut_link_is_a_lost_carrier(self, network: Network) -> None:
        """Cutting the link takes the carrier and leaves the interface up with its address."""
        left = network.host("left", "192.168.122.70/24")
        right = network.host("right", "192.168.122.45/24")
        right.link_down()
        assert right.run("cat", CARRIER).stdout == "0\n"
        assert right.holds("192.168.122.45")
        assert not reaches(left, "192.168.122.45")
        right.link_up()
        eventually(
            lambda: reaches(left, "192.168.122.45"), 5.0, "the host answers after the link is up"
        )

    def test_power_loss_ends_processes_and_state(self, network: Network) -> None:
        """A host without power has no process and no interface; with power it is new."""
        left = network.host("left", "192.168.122.70/24")
        right = network.host("right", "192.168.122.45/24")
        process = right.start("sleep", "1000")
        right.ip("address add 192.168.122.22/32 dev eth0")
        right.lose_power()
        assert process.poll() == -9
        assert not reaches(left, "192.168.122.45")
        right.gain_power()
        assert not right.holds("192.168.122.22")
        eventually(
            lambda: reaches(left, "192.168.122.45"), 5.0, "the host answers after the power is back"
        )

    def test_kill_processes_reaches_other_sessions(self, network: Network) -> None:
        """SIGKILL reaches every process of the host, also a process in another session."""
        host = network.host("host", "192.168.122.45/24")
        host.start("sh", "-c", "setsid sleep 1000 & sleep 1000")
        listing = ["ip", "netns", "pids", host.namespace]
        eventually(lambda: len(subprocess.check_output(listing).split()), 5.0, expected=3)
        host.kill_processes()
        eventually(lambda: subprocess.check_output(listing), 5.0, expected=b"")

    def test_nothing_is_left_after_a_failure(self) -> None:
        """Namespaces and processes are gone after an exception in the block."""
        processes = []

        def fail() -> None:
            with Network() as network:
                host = network.host("host", "192.168.122.45/24")
                processes.append(host.start("sleep", "1000"))
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        assert [process.poll() for process in processes] == [-9]
        assert not list(Path("/run/netns").glob(f"ha{os.getpid()}-*"))

    def test_stop_sends_sigterm_and_then_sigkill(self, network: Network) -> None:
        """A process gets SIGTERM first, and its own exit status is returned."""
        host = network.host("host", "192.168.122.45/24")
        script = "trap 'exit 5' TERM; echo trapped; while :; do sleep 0.1; done"
        process = host.start("sh", "-c", script, output=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == "trapped\n"
        assert host.stop(process) == 5

    def test_ip_failure_is_reported(self, network: Network) -> None:
        """The error has the line that ip refused, and its reason."""
        host = network.host("host", "192.168.122.45/24")
        with pytest.raises(TopologyError, match=r"(?s)address add nonsense.*failed: .*nonsense"):
            host.ip("address add nonsense dev eth0")

    def test_web_server_is_fetched(self, network: Network) -> None:
        """The answers are names; requests to a dead server are failures."""
        client = network.host("client", "192.168.122.70/24")
        server = network.host("web1", "192.168.122.45/24")
        process = start_web(server, "web1")
        assert fetch(client, "192.168.122.45", 3) == ["web1", "web1", "web1"]
        assert server.stop(process) == 0
        answers = fetch(client, "192.168.122.45", 2)
        assert [answer[:7] for answer in answers] == ["failed:", "failed:"]


@pytest.mark.ipvs
@pytest.mark.timeout(180)
def test_nat_by_hand_follows_the_weights(network: Network) -> None:
    """The lab works without hadirector: NAT, wrr, weights 2 and 1 set by ipvsadm share 99 requests
    as 66 and 33.
    """
    client = network.host("client", "192.168.122.70/24")
    director = network.host(
        "director",
        "192.168.122.30/24",
        "192.168.122.22/32",
        sysctls=FORWARDS,
    )
    # On one subnet the replies need a route through the director.
    back = ["192.168.122.70/32 via 192.168.122.30"]
    web1 = network.host("web1", "192.168.122.45/24", routes=back)
    web2 = network.host("web2", "192.168.122.46/24", routes=back)
    start_web(web1, "web1")
    start_web(web2, "web2")
    table = [
        "-A -t 192.168.122.22:80 -s wrr",
        "-a -t 192.168.122.22:80 -r 192.168.122.45:80 -m -w 2",
        "-a -t 192.168.122.22:80 -r 192.168.122.46:80 -m -w 1",
    ]
    director.run("ipvsadm", "-R", text="\n".join(table) + "\n")
    assert kernel_table(director) == sorted(table)

    answers = fetch(client, "192.168.122.22", 99, seconds=1.0)

    assert (answers.count("web1"), answers.count("web2")) == (66, 33)
