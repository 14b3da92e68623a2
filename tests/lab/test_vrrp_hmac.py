"""auth_hmac: rotation of keys without a flap, and the effect of an attacker on the link."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.routers import VIRTUAL_ADDRESS, Listener, VrrpRouter
from tests.waiting import eventually_async
from vrrp.model.configuration import (
    HmacAuthentication,
    HmacKey,
    HmacMode,
    InstanceConfiguration,
    Secret,
    UdpUnicast,
)
from vrrp.model.report import Report, State, Transition
from vrrp.speaker import Speaker

FIRST, SECOND = "127.7.1.1", "127.7.1.2"
OLD, NEW = HmacKey(7, Secret(bytes(32))), HmacKey(8, Secret(bytes(range(32))))


def configuration(
    own: str, peer: str, port: int, authentication: HmacAuthentication | None
) -> InstanceConfiguration:
    return InstanceConfiguration(
        name="demo",
        interface="lo",
        virtual_router_id=7,
        virtual_addresses=("127.7.1.100/32",),
        priority=200 if own == FIRST else 100,
        advert_interval=0.05,
        transport=UdpUnicast(source=own, peers=(peer,), port=port),
        authentication=authentication,
    )


def hmac(mode: HmacMode, *keys: HmacKey) -> HmacAuthentication:
    """Return an authentication that signs with the first key."""
    return HmacAuthentication(mode=mode, send_key=keys[0].key_id, keys=keys, window=5.0)


async def test_rollout_and_rotation_cause_no_flap() -> None:
    """Director by director, by the documented steps, with advertisements between them."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("0.0.0.0", 0))
        port = probe.getsockname()[1]
    reports: list[Report] = []
    steps: list[HmacAuthentication | None] = [
        None,
        hmac("receive_only", OLD),
        hmac("permissive", OLD),
        hmac("enforce", OLD),
        hmac("enforce", OLD, NEW),
        hmac("enforce", NEW, OLD),
        hmac("enforce", NEW),
    ]
    async with Speaker(reports.append) as first, Speaker(reports.append) as second:
        for step in steps:
            await first.configure([configuration(FIRST, SECOND, port, step)])
            await asyncio.sleep(0.3)  # longer than the Active_Down_Interval, 0.18 s
            await second.configure([configuration(SECOND, FIRST, port, step)])
            await eventually_async(lambda: first.statuses()[0].state, 5.0, expected=State.ACTIVE)
            await asyncio.sleep(0.3)
        counters = second.statuses()[0].counters
        await first.release_now()
    states = [each.state for each in reports if isinstance(each, Transition)]
    assert states[:3] == [State.BACKUP, State.ACTIVE, State.BACKUP]
    assert State.ACTIVE not in states[3:]
    assert not [name for name in counters if name.startswith("dropped")]
    assert counters["tolerated_hmac_missing"] > 0, "receive_only received no unsigned advertisement"


@pytest.fixture
def network() -> Iterator[Network]:
    with Network() as network:
        yield network


def key_file(directory: Path, content: bytes = bytes(32)) -> str:
    file = directory / f"key.{content[0]}"
    file.write_bytes(content)
    return str(file)


@pytest.mark.netns
def test_an_attacker_on_the_link_takes_nothing(network: Network, tmp_path: Path) -> None:
    """Forged advertisements, forged priority 0 and replays are counted and move no timer."""
    first, second = (network.host(name, f"10.99.0.{n}/24") for n, name in ((1, "a"), (2, "b")))
    attacker = network.host("attacker", "10.99.0.3/24")
    options = ("--hmac-key", f"7:{key_file(tmp_path)}")
    active = VrrpRouter(first, tmp_path, *options, priority=200)
    active.wait_for("ACTIVE")
    backup = VrrpRouter(second, tmp_path, *options, priority=100)
    backup.wait_for("BACKUP")
    time.sleep(0.5)
    with Listener(attacker) as listener:
        for _ in range(20):
            listener.send(bytes.fromhex("3133ff01000ada040a630064"))
            listener.send(bytes.fromhex("313300010064d8ab0a630064") + bytes(28))
            time.sleep(0.05)
    status = active.status()
    assert status["state"] == "ACTIVE"
    assert first.holds(VIRTUAL_ADDRESS)
    assert status["counters"]["dropped_hmac_missing"] == 20
    assert status["counters"]["dropped_hmac_malformed"] == 20
    assert len(active.became("ACTIVE")) == 1
    assert backup.became("ACTIVE") == []
    heard = backup.status()["counters"]
    assert heard["advertisements_received"] > 10
    assert "dropped_hmac_replay" not in heard


@pytest.mark.netns
def test_udp_between_hosts_is_authenticated(network: Network, tmp_path: Path) -> None:
    """A pair elects over UDP and hands over. The numbers of each restart are accepted."""
    hosts: list[Host] = [network.host(name, f"10.99.0.{n}/24") for n, name in ((1, "a"), (2, "b"))]

    def router(own: int, priority: int) -> VrrpRouter:
        return VrrpRouter(
            hosts[own - 1],
            tmp_path,
            *("--hmac-key", f"7:{key_file(tmp_path)}"),
            *("--sequence-file", str(tmp_path / f"sequence.{own}")),
            *("--udp-source", f"10.99.0.{own}", "--udp-peer", f"10.99.0.{3 - own}"),
            priority=priority,
        )

    active = router(1, 200)
    active.wait_for("ACTIVE")
    backup = router(2, 100)
    backup.wait_for("BACKUP")
    active.stop()
    backup.wait_for("ACTIVE")
    router(1, 200).wait_for("ACTIVE")
    assert backup.wait_for("BACKUP")["reason"] == "a peer has a higher priority"
    assert not [name for name in backup.status()["counters"] if name.startswith("dropped")]
