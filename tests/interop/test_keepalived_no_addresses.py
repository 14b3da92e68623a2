"""A role without virtual addresses, against a real keepalived 2.2.7.

keepalived 2.2.7 runs such an instance in version 2 only. Its advertisements have an address count
of 0, and the tests compare them with ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.routers import Keepalived, VrrpRouter
from tests.lab.wire import Wire
from tests.waiting import eventually

pytestmark = [pytest.mark.netns, pytest.mark.keepalived]

# Version 2, VRID 51, priority 200, no address, every second, no authentication.
WITHOUT_ADDRESSES = bytes.fromhex("2133c8000001 16cb 0000000000000000")


@pytest.fixture
def hosts() -> Iterator[tuple[Host, Host, Host]]:
    with Network() as network:
        yield (
            network.host("ours", "10.99.0.1/24"),
            network.host("theirs", "10.99.0.2/24"),
            network.host("third", "10.99.0.3/24"),
        )


def ours(host: Host, directory: Path, priority: int, version: int = 2) -> VrrpRouter:
    return VrrpRouter(
        host, directory, priority=priority, version=version, advert_interval=1, addresses=()
    )


def theirs(host: Host, directory: Path, priority: int) -> Keepalived:
    return Keepalived(
        host, directory, priority=priority, version=2, advert_interval=1, addresses=()
    )


def advertised(wire: Wire, priority: int) -> set[bytes]:
    """Return the messages with this priority on the link, without their IP header."""
    messages = {frame.payload[20:36] for frame in wire.frames() if frame.vrrp}
    return {message for message in messages if message[2] == priority}


def test_the_role_moves_to_keepalived_and_back(
    hosts: tuple[Host, Host, Host], tmp_path: Path
) -> None:
    """We follow keepalived, take over at its stop, and lose to it again when it returns."""
    with Wire(hosts[2]) as wire:
        keepalived = theirs(hosts[1], tmp_path, 200)
        router = ours(hosts[0], tmp_path, 100)
        router.wait_for("BACKUP")
        eventually(lambda: keepalived.entered("ACTIVE"), 10.0, "keepalived ACTIVE", expected=1)
        eventually(lambda: advertised(wire, 200), 3.0, expected={WITHOUT_ADDRESSES})
        keepalived.stop()
        assert router.wait_for("ACTIVE", 3.0)["reason"] == "the active router sent priority 0"
        theirs(hosts[1], tmp_path, 200)
        router.wait_for("BACKUP")
    assert not [name for name in router.status()["counters"] if name.startswith("dropped")]


def test_keepalived_accepts_our_role(hosts: tuple[Host, Host, Host], tmp_path: Path) -> None:
    """It follows us, and takes over when we stop. Our bytes are the bytes of keepalived."""
    with Wire(hosts[2]) as wire:
        router = ours(hosts[0], tmp_path, 200)
        router.wait_for("ACTIVE")
        keepalived = theirs(hosts[1], tmp_path, 100)
        keepalived.wait_for_backup()
        eventually(lambda: advertised(wire, 200), 3.0, expected={WITHOUT_ADDRESSES})
        router.stop()
    eventually(lambda: keepalived.entered("ACTIVE"), 5.0, "keepalived ACTIVE", expected=1)


def test_a_role_in_version_3(hosts: tuple[Host, Host, Host], tmp_path: Path) -> None:
    """Two of our routers elect one. It hands over, and at a stop it gives the role away."""
    first = ours(hosts[0], tmp_path, 200, version=3)
    second = ours(hosts[1], tmp_path, 100, version=3)
    first.wait_for("ACTIVE")
    second.wait_for("BACKUP")
    first.hand_over()
    assert first.wait_for("BACKUP", 2.0)["reason"] == "handed over"
    second.wait_for("ACTIVE")
    second.stop()
    assert first.wait_for("ACTIVE", 3.0)["reason"] == "the active router sent priority 0"
