"""Another source and another group of multicast advertisements, with a real keepalived 2.2.7."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.routers import VIRTUAL_ADDRESS, Keepalived, VrrpRouter
from tests.lab.wire import Wire
from tests.waiting import eventually

pytestmark = [pytest.mark.netns, pytest.mark.keepalived]

OURS, OUR_SECOND, THEIRS, THEIR_SECOND = "10.99.0.1", "10.99.0.21", "10.99.0.2", "10.99.0.22"
GROUP = "239.227.0.51"  # RFC 1112 6.4: 227 - 128 = 99 in the MAC address
GROUP_MAC = "01005e630033"
HEADING = f"global_defs {{\n vrrp_mcast_group4 {GROUP}\n}}"


class Lab(NamedTuple):
    ours: Host
    theirs: Host
    third: Host


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Network() as network:
        yield Lab(
            network.host("ours", f"{OURS}/24", f"{OUR_SECOND}/24"),
            network.host("theirs", f"{THEIRS}/24", f"{THEIR_SECOND}/24"),
            network.host("third", "10.99.0.3/24"),
        )


def destinations(wire: Wire) -> set[str]:
    """Return source and destination of every advertisement, and the MAC address of the group."""
    frames = [frame.data for frame in wire.frames() if frame.vrrp]
    return {f"{data[26:30].hex()} {data[30:34].hex()} {data[:6].hex()}" for data in frames}


def test_both_use_another_group_and_another_source(lab: Lab, tmp_path: Path) -> None:
    """Each follows the other. Nothing goes to 224.0.0.18 or comes from a primary address."""
    with Wire(lab.third) as wire:
        keepalived = Keepalived(
            lab.theirs,
            tmp_path,
            priority=200,
            heading=HEADING,
            extra=f"mcast_src_ip {THEIR_SECOND}",
        )
        eventually(lambda: lab.theirs.holds(VIRTUAL_ADDRESS), 10.0, "keepalived ACTIVE")
        options = ("--group", GROUP, "--source", OUR_SECOND)
        router = VrrpRouter(lab.ours, tmp_path, *options, priority=100)
        router.wait_for("BACKUP")
        time.sleep(0.8)
        status = router.status()
        assert (status["state"], status["active_router"]) == ("BACKUP", THEIR_SECOND)
        assert not [name for name in status["counters"] if name.startswith("dropped")]
        keepalived.stop()
        router.wait_for("ACTIVE", 1.0)
        eventually(
            lambda: destinations(wire),
            5.0,
            expected={f"0a630016 efe30033 {GROUP_MAC}", f"0a630015 efe30033 {GROUP_MAC}"},
        )


def test_keepalived_follows_us_in_another_group(lab: Lab, tmp_path: Path) -> None:
    router = VrrpRouter(lab.ours, tmp_path, "--group", GROUP, priority=200)
    router.wait_for("ACTIVE")
    keepalived = Keepalived(lab.theirs, tmp_path, priority=100, heading=HEADING)
    keepalived.wait_for_backup()
    time.sleep(0.8)
    assert keepalived.entered("ACTIVE") == 0
    router.stop()
    eventually(lambda: lab.theirs.holds(VIRTUAL_ADDRESS), 2.0, "keepalived ACTIVE")


def test_the_virtual_mac_sends_to_the_group_too(lab: Lab, tmp_path: Path) -> None:
    """The frames have the virtual MAC, the configured source and the MAC of the group."""
    options = ("--group", GROUP, "--source", OUR_SECOND, "--virtual-mac")
    with Wire(lab.third) as wire:
        VrrpRouter(lab.ours, tmp_path, *options, priority=200).wait_for("ACTIVE")
        expected = {f"0a630015 efe30033 {GROUP_MAC}"}
        eventually(lambda: destinations(wire), 5.0, expected=expected)
        senders = {frame.sender.hex() for frame in wire.frames() if frame.vrrp}
    assert senders == {"00005e000133"}


def test_the_source_decides_a_tie_and_is_tracked(lab: Lab, tmp_path: Path) -> None:
    """With equal priorities the higher source wins. Without its address, a router stops."""
    router = VrrpRouter(lab.ours, tmp_path, "--source", OUR_SECOND)
    router.wait_for("ACTIVE")
    other = VrrpRouter(lab.theirs, tmp_path, "--source", THEIR_SECOND)
    other.wait_for("BACKUP")
    router.process.send_signal(signal.SIGSTOP)
    other.wait_for("ACTIVE")
    router.process.send_signal(signal.SIGCONT)
    router.wait_for("BACKUP")
    assert other.entered("BACKUP") == 1
    lab.theirs.ip(f"address delete {THEIR_SECOND}/24 dev eth0")
    assert other.wait_for("INITIALIZE")["reason"] == "source_missing"
    router.wait_for("ACTIVE")
    lab.theirs.ip(f"address add {THEIR_SECOND}/24 dev eth0")
    other.wait_for("BACKUP")


def test_a_group_of_ipv6(tmp_path: Path) -> None:
    """The BACKUP keepalived follows us, and takes over when we stop."""
    addresses = ("fe80::99:100/128", "2001:db8:99::100/128")
    quiet = {"net.ipv6.conf.eth0.accept_dad": "0"}
    heading = "global_defs {\n vrrp_mcast_group6 ff02::99\n}"
    with Network() as network:
        ours = network.host("ours", "fe80::1/64", "2001:db8:99::1/64", sysctls=quiet)
        theirs = network.host("theirs", "fe80::2/64", "2001:db8:99::2/64", sysctls=quiet)
        options = ("--group", "ff02::99", "--source", "fe80::1")
        router = VrrpRouter(ours, tmp_path, *options, priority=200, addresses=addresses)
        router.wait_for("ACTIVE")
        keepalived = Keepalived(
            theirs, tmp_path, priority=100, heading=heading, addresses=addresses
        )
        keepalived.wait_for_backup()
        time.sleep(0.8)
        assert keepalived.entered("ACTIVE") == 0
        router.stop()
        eventually(lambda: theirs.holds("2001:db8:99::100"), 2.0, "keepalived ACTIVE")
