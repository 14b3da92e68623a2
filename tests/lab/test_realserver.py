"""`hadirector realserver` on real hosts: setup, check and undo."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.experiment import FORWARDS, fetch, start_web
from tests.waiting import eventually

FOUR, SIX = "192.0.2.10", "2001:db8::10"


def realserver(
    host: Host, *words: str, path: str = os.environ["PATH"]
) -> subprocess.CompletedProcess[str]:
    command = ("env", f"PATH={path}", sys.executable, "-m", "hadirector", "realserver", *words)
    return host.run(*command, check=False)


def answers_for(client: Host, address: str) -> bool:
    """Whether a host answers ARP requests for the address, from a client with an empty cache."""
    client.run("ip", "neighbour", "flush", "dev", "eth0")
    client.run("bash", "-c", f"echo >/dev/udp/{address}/9", check=False)

    def answered() -> bool:
        return "lladdr" in client.run("ip", "neighbour", "show", address).stdout

    with contextlib.suppress(TimeoutError):
        eventually(answered, 1.0)
    return answered()


def state_of(host: Host) -> list[str]:
    """All that setup could change."""
    parameters = host.run("sysctl", "-a", "--pattern", r"arp_|rp_filter").stdout.splitlines()
    addresses = host.run("ip", "-oneline", "address").stdout.replace(" tentative", "")
    return [*addresses.splitlines(), *parameters]


@pytest.mark.netns
def test_setup_on_the_loopback_prevents_arp_answers_and_undo_reverts_it(
    network: Network, tmp_path: Path
) -> None:
    client = network.host("client", "192.0.2.1/24", "2001:db8::1/64")
    host = network.host("web", "192.0.2.20/24", "2001:db8::20/64")
    memory = ["--runtime-directory", str(tmp_path)]
    before = state_of(host)

    assert realserver(host, "check", FOUR, SIX).stdout.count("MISSING ") == 4
    host.ip(f"address add {FOUR}/32 dev lo")
    assert answers_for(client, FOUR), (
        "by default a host answers for the addresses of its loopback interface"
    )
    host.ip(f"address delete {FOUR}/32 dev lo")

    assert realserver(host, "setup", FOUR, SIX, *memory).stdout.count("applied ") == 4
    assert realserver(host, "setup", FOUR, SIX, *memory).stdout.count("unchanged ") == 4
    good = realserver(host, "check", FOUR, SIX)
    assert (good.returncode, good.stdout.count("ok ")) == (0, 4)
    as_json = json.loads(realserver(host, "check", FOUR, SIX, "--json").stdout)["settings"]
    assert [each["state"] for each in as_json] == ["ok"] * 4
    assert all(each["setting"] in good.stdout for each in as_json)
    assert host.holds(FOUR)
    assert host.holds(SIX)
    assert not answers_for(client, FOUR)
    assert not answers_for(client, SIX)

    assert realserver(host, "undo", *memory).stdout.count("undone ") == 4
    assert state_of(host) == before
    assert realserver(host, "check", FOUR).returncode == 1
    nothing = realserver(host, "undo", *memory)
    assert (nothing.returncode, nothing.stdout) == (0, "")


@pytest.mark.netns
def test_undo_leaves_earlier_settings_and_later_changes(network: Network, tmp_path: Path) -> None:
    host = network.host("web", "192.0.2.20/24")
    host.ip(f"address add {FOUR}/32 dev lo")
    memory = ["--runtime-directory", str(tmp_path)]

    assert realserver(host, "setup", FOUR, *memory).stdout.count("applied ") == 2
    host.sysctl({"net.ipv4.conf.all.arp_ignore": "8"})
    assert realserver(host, "undo", *memory).returncode == 0

    assert host.holds(FOUR)
    assert host.run("sysctl", "-n", "net.ipv4.conf.all.arp_ignore").stdout == "8\n"
    assert host.run("sysctl", "-n", "net.ipv4.conf.all.arp_announce").stdout == "0\n"


@pytest.mark.netns
def test_faults_are_reported(network: Network, tmp_path: Path) -> None:
    host = network.host("web", "192.0.2.20/24")

    wrong = realserver(host, "setup", "127.0.0.1")
    assert wrong.returncode == 2
    assert "127.0.0.1: a loopback, multicast or unspecified address" in wrong.stderr
    absent = realserver(host, "setup", FOUR, "--method=interface", "--interface=eth7")
    assert absent.returncode == 1
    assert absent.stderr == "hadirector: interface eth7 does not exist\n"
    memory = tmp_path / "realserver.json"
    memory.write_text("{")
    broken = realserver(host, "undo", "--runtime-directory", str(tmp_path))
    assert broken.returncode == 1
    assert broken.stderr.startswith(f"hadirector: {memory}: ")


def without_nftables(directory: Path, name: str) -> str:
    """Return a PATH whose program of this name works like arptables on a kernel without nftables.

    It lists no rules and cannot add any.
    """
    directory.mkdir(exist_ok=True)
    program = directory / name
    program.write_text(
        "#!/bin/sh\n"
        'case "$*" in *-L*) exit 0;; esac\n'
        "echo 'TABLE_ADD failed (Operation not supported): table filter' >&2\n"
        "exit 4\n"
    )
    program.chmod(0o755)
    return f"{directory}:{os.environ['PATH']}"


@pytest.mark.netns
def test_the_legacy_arptables_serves_where_the_usual_one_does_not_work(
    network: Network, tmp_path: Path
) -> None:
    """Without both, the message names the packages and the other method."""
    client = network.host("client", "192.0.2.1/24")
    host = network.host("web", "192.0.2.20/24")
    words = (FOUR, "--method=interface", f"--runtime-directory={tmp_path}")
    path = without_nftables(tmp_path / "bin", "arptables")
    made = realserver(host, "setup", *words, path=path)
    assert (made.returncode, made.stderr) == (0, "")
    assert f"-d {FOUR}" in host.run("arptables-legacy", "-n", "-L").stdout
    assert not answers_for(client, FOUR)
    undone = realserver(host, "undo", f"--runtime-directory={tmp_path}", path=path)
    assert (undone.returncode, undone.stderr) == (0, "")
    assert FOUR not in host.run("arptables-legacy", "-n", "-L").stdout
    without_nftables(tmp_path / "bin", "arptables-legacy")
    refused = realserver(host, "setup", *words, path=path)
    assert refused.returncode == 1
    assert refused.stderr.startswith("hadirector: no arptables works here: arptables -A INPUT")
    assert "TABLE_ADD failed" in refused.stderr
    assert "Debian and Ubuntu: the package arptables" in refused.stderr


@pytest.mark.ipvs
@pytest.mark.timeout(300)
def test_a_tunnel_and_an_interface_with_rules_serve_a_director(
    network: Network, tmp_path: Path
) -> None:
    """With tun to web1 and dr to web2; neither answers ARP requests for its virtual address."""
    client = network.host("client", "192.0.2.1/24")
    director = network.host(
        "director", "192.0.2.30/24", "192.0.2.10/32", "192.0.2.11/32", sysctls=FORWARDS
    )
    web1 = network.host("web1", "192.0.2.21/24", sysctls={"net.ipv4.conf.default.rp_filter": "1"})
    web2 = network.host("web2", "192.0.2.22/24")
    table = [
        "-A -t 192.0.2.10:80 -s rr",
        "-a -t 192.0.2.10:80 -r 192.0.2.21:80 -i -w 1",
        "-A -t 192.0.2.11:80 -s rr",
        "-a -t 192.0.2.11:80 -r 192.0.2.22:80 -g -w 1",
    ]
    director.run("ipvsadm", "-R", text="\n".join(table) + "\n")
    start_web(web1, "web1")
    start_web(web2, "web2")
    # The kernel of the lab has no nftables, so this also tests the legacy arptables.
    ways = [
        (web1, "192.0.2.10", "tunnel", tmp_path / "web1", 4),
        (web2, "192.0.2.11", "interface", tmp_path / "web2", 3),
    ]

    for host, address, method, directory, _ in ways:
        words = (address, f"--method={method}")
        made = realserver(host, "setup", *words, f"--runtime-directory={directory}")
        assert (made.returncode, made.stderr) == (0, "")
        checked = realserver(host, "check", *words)
        assert (checked.returncode, "MISSING" in checked.stdout) == (0, False), checked.stdout

    client.run("ip", "neighbour", "flush", "dev", "eth0")
    assert fetch(client, "192.0.2.10", 3) == ["web1"] * 3
    assert fetch(client, "192.0.2.11", 3) == ["web2"] * 3

    director.ip("address delete 192.0.2.10/32 dev eth0", "address delete 192.0.2.11/32 dev eth0")
    assert not answers_for(client, "192.0.2.10")
    assert not answers_for(client, "192.0.2.11")
    for host, address, method, directory, undoable in ways:
        undone = realserver(host, "undo", f"--runtime-directory={directory}")
        assert (undone.returncode, undone.stderr) == (0, "")
        checked = realserver(host, "check", address, f"--method={method}")
        assert checked.stdout.count("MISSING ") == undoable, checked.stdout
