"""Two routers that reject each other's advertisements are both ACTIVE, and both raise an alarm."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.experiment import start_director
from tests.lab.routers import VIRTUAL_ADDRESS, VrrpRouter
from tests.waiting import eventually
from vrrp.protocol.checksum import ones_complement_sum

pytestmark = pytest.mark.netns


def test_another_password_makes_two_active_routers_and_both_raise_an_alarm(
    network: Network, tmp_path: Path
) -> None:
    """The alarm begins after an active-down interval, 3.6 s, and ends with a priority 0."""
    one = network.host("one", "10.99.0.1/24")
    other = network.host("other", "10.99.0.2/24")
    ours = VrrpRouter(
        one, tmp_path, "--password", "abc", priority=100, version=2, advert_interval=1
    )
    theirs = VrrpRouter(
        other, tmp_path, "--password", "abd", priority=200, version=2, advert_interval=1
    )
    ours.wait_for("ACTIVE")
    theirs.wait_for("ACTIVE")

    for router, words in (
        (ours, together("10.99.0.2 (priority 200, dropped as auth_password)")),
        (theirs, together("10.99.0.1 (priority 100, dropped as auth_password)")),
    ):
        eventually(lambda: router.status()["alarms"], 15.0, words, expected=[words])  # noqa: B023  # at once
        assert router.status()["counters"]["two_active_routers"] == 1

    theirs.stop()
    eventually(lambda: ours.status()["alarms"], 15.0, "the end of the alarm", expected=[])
    told = [each["event"] for each in ours.reports() if each["type"] == "notice"]
    assert [each for each in told if each.startswith("two_active")] == [
        "two_active_routers",
        "two_active_routers_over",
    ]


def together(peer: str) -> str:
    return f"this router and {peer} are active at the same time"


DIRECTOR = """
director: {{name: {name}, dataplane: dry-run, runtime_directory: {directory}}}
vrrp:
  - name: web
    interface: eth0
    virtual_router_id: 51
    version: {version}
    priority: {priority}
    advert_interval: {interval}
    virtual_addresses: [10.99.0.100]
    {extra}
"""


def start(host: Host, directory: Path, **values: object) -> Path:
    """Start a director in a directory of its own; return that directory."""
    own = directory / host.name
    own.mkdir()
    usual = {"version": 3, "interval": "100ms", "extra": ""}
    run = own / "run"
    text = DIRECTOR.format(**{**usual, **values}, name=host.name, directory=run)
    start_director(host, text, own)
    eventually((run / "api.sock").exists, 20.0, "the API")
    return run


def event_fields(host: Host, directory: Path, name: str) -> list[dict[str, Any]]:
    """Return the fields of the events with this name, as `hadirector events` shows them."""
    socket = str(directory / "api.sock")
    lines = host.run(
        *(sys.executable, "-m", "hadirector", "events", "--json", "--socket", socket)
    ).stdout.splitlines()
    events = [json.loads(line) for line in lines]
    return [each["fields"] for each in events if each["name"] == name]


def test_the_winner_of_a_partition_shows_it_in_its_events(network: Network, tmp_path: Path) -> None:
    hosts = [network.host(name, f"10.99.0.{n}/24") for n, name in ((1, "one"), (2, "other"))]
    winner, loser = (
        start(host, tmp_path, priority=priority)
        for host, priority in zip(hosts, (200, 100), strict=True)
    )
    eventually(lambda: hosts[0].holds(VIRTUAL_ADDRESS), 20.0, "ACTIVE")
    eventually(lambda: not hosts[1].holds(VIRTUAL_ADDRESS), 20.0, "BACKUP")
    ports = [f"link set {host.name} type bridge_slave isolated" for host in hosts]
    network.batch_on_bridge(*(f"{port} on" for port in ports))
    eventually(lambda: hosts[1].holds(VIRTUAL_ADDRESS), 5.0, "both ACTIVE")
    network.batch_on_bridge(*(f"{port} off" for port in ports))
    eventually(lambda: not hosts[1].holds(VIRTUAL_ADDRESS), 5.0, "one ACTIVE")
    eventually(lambda: event_fields(hosts[0], winner, "contest_won"), 5.0, "the event")
    [contest] = event_fields(hosts[0], winner, "contest_won")
    assert (contest["source"], contest["priority"]) == ("10.99.0.2", "100")
    assert event_fields(hosts[1], loser, "contest_won") == []


def test_another_password_is_shown_in_the_events(network: Network, tmp_path: Path) -> None:
    """Two directors are ACTIVE, and the advertisements of the peer are dropped."""
    hosts = [network.host(name, f"10.99.0.{n}/24") for n, name in ((1, "one"), (2, "other"))]
    one, _ = (
        start(
            host,
            tmp_path,
            version=2,
            interval="1s",
            priority=100,
            extra=f"authentication: {{type: pass, password: {word}}}",
        )
        for host, word in zip(hosts, ("abc", "abd"), strict=True)
    )
    eventually(lambda: event_fields(hosts[0], one, "two_active_routers"), 25.0, "the event")
    [alarm] = event_fields(hosts[0], one, "two_active_routers")
    assert alarm["detail"] == together("10.99.0.2 (priority 100, dropped as auth_password)")
    dropped = event_fields(hosts[0], one, "authentication_failed")
    assert dropped[0]["reason"] == "auth_password"


def test_a_peer_that_signs_alone_is_shown_on_both_sides(network: Network, tmp_path: Path) -> None:
    """One has auth_hmac, the other has not: each drops the advertisements of the other."""
    hosts = [network.host(name, f"10.99.0.{n}/24") for n, name in ((1, "one"), (2, "other"))]
    key = tmp_path / "key"
    key.write_bytes(bytes(32))
    signs = VrrpRouter(hosts[0], tmp_path, "--hmac-key", f"7:{key}", priority=100)
    other = VrrpRouter(hosts[1], tmp_path, priority=200)
    signs.wait_for("ACTIVE")
    other.wait_for("ACTIVE")
    for router, peer in (
        (signs, "10.99.0.2 (priority 200, dropped as hmac_missing)"),
        (other, "10.99.0.1 (priority 100, dropped as hmac_unexpected)"),
    ):
        words = together(peer)
        eventually(lambda: router.status()["alarms"], 10.0, words, expected=[words])  # noqa: B023  # at once


def test_a_peer_that_was_dead_and_preempts_raises_no_alarm(
    network: Network, tmp_path: Path
) -> None:
    """It returns 1 s after its last advertisement, within the 5 s in which it is remembered."""
    hosts = [network.host(name, f"10.99.0.{n}/24") for n, name in ((1, "one"), (2, "other"))]
    preferred = VrrpRouter(hosts[0], tmp_path, priority=200)
    preferred.wait_for("ACTIVE")
    ours = VrrpRouter(hosts[1], tmp_path, priority=100)
    ours.wait_for("BACKUP")
    preferred.crash()
    ours.wait_for("ACTIVE")
    time.sleep(0.6)  # longer than an active-down interval, 0.36 s
    VrrpRouter(hosts[0], tmp_path, priority=200).wait_for("ACTIVE")
    ours.wait_for("BACKUP")
    assert "two_active_routers" not in ours.status()["counters"]


def test_an_advertisement_from_no_address_is_dropped(network: Network, tmp_path: Path) -> None:
    """Linux accepts a packet from 0.0.0.0 to a multicast group of the link."""
    host, other = (network.host(name, f"10.99.0.{n}/24") for n, name in ((1, "one"), (2, "other")))
    router = VrrpRouter(host, tmp_path, priority=100)
    router.wait_for("ACTIVE")
    packet = bytes.fromhex("45c0002000010000ff70000000000000e0000012") + bytes.fromhex(
        "3133ff010064c49f0a630064"
    )
    send = (
        "import socket, sys\n"
        "sender = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)\n"
        "group = ('eth0', 0x0800, 0, 0, bytes.fromhex('01005e000012'))\n"
        "sender.sendto(bytes.fromhex(sys.argv[1]), group)\n"
    )
    checked = with_header_checksum(packet)
    other.run(sys.executable, "-c", send, checked.hex())
    eventually(lambda: "dropped_source" in router.status()["counters"], 5.0, "the drop counted")
    assert router.entered("BACKUP") == 1


def with_header_checksum(packet: bytes) -> bytes:
    """Return an IPv4 packet with the checksum of its header."""
    header = packet[:10] + bytes(2) + packet[12:20]
    return (
        header[:10] + (0xFFFF - ones_complement_sum(header)).to_bytes(2) + header[12:] + packet[20:]
    )
