"""VRRP over UDP on loopback: no privilege, no netlink, the same protocol."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.waiting import eventually_async
from vrrp.model.configuration import InstanceConfiguration, TrackedKey, TrackedObject, UdpUnicast
from vrrp.model.report import Notice, Report, State, Transition
from vrrp.protocol.packet import Address, Datagram, DropReason
from vrrp.speaker import Speaker
from vrrp.transport.udp import UdpSocket

FIRST, SECOND, STRANGER = "127.7.0.1", "127.7.0.2", "127.7.0.3"


@pytest.fixture
def port() -> int:
    """A UDP port that is free on every address of the host."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("0.0.0.0", 0))
        found: int = probe.getsockname()[1]
        return found


def configuration(own: str, peer: str, port: int, priority: int) -> InstanceConfiguration:
    return InstanceConfiguration(
        name="demo",
        interface="lo",
        virtual_router_id=7,
        virtual_addresses=("127.7.0.100/32",),
        priority=priority,
        advert_interval=0.05,
        transport=UdpUnicast(source=own, peers=(peer,), port=port),
    )


class Side:
    """A speaker and its reports."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.speaker = Speaker(self.reports.append)

    def state(self) -> State:
        return self.speaker.statuses()[0].state

    def counters(self) -> dict[str, int]:
        return self.speaker.statuses()[0].counters

    def reasons(self) -> list[str]:
        return [each.reason for each in self.reports if isinstance(each, Transition)]


@pytest.fixture
async def sides() -> AsyncIterator[tuple[Side, Side]]:
    first, second = Side(), Side()
    async with first.speaker, second.speaker:
        yield first, second


async def elect(sides: tuple[Side, Side], port: int) -> None:
    first, second = sides
    await first.speaker.configure([configuration(FIRST, SECOND, port, 200)])
    await second.speaker.configure([configuration(SECOND, FIRST, port, 100)])
    await eventually_async(first.state, 5.0, expected=State.ACTIVE)
    await eventually_async(
        lambda: second.counters().get("advertisements_received", 0) > 1,
        5.0,
        "an advertisement received",
    )
    assert second.state() is State.BACKUP


async def test_the_higher_priority_is_elected_and_a_stop_hands_over(
    sides: tuple[Side, Side], port: int
) -> None:
    """The stopped router waits for its successor before it becomes BACKUP."""
    first, second = sides
    await elect(sides, port)
    await first.speaker.stop()
    assert first.speaker.statuses() == []
    assert first.reasons()[-1] == "stopped"
    assert second.state() is State.ACTIVE
    assert second.reasons()[-1] == "the active router sent priority 0"


async def test_release_now_does_not_wait_for_a_successor(
    sides: tuple[Side, Side], port: int
) -> None:
    """At the end of the director: priority 0, release, stop."""
    first, second = sides
    await elect(sides, port)
    async with asyncio.timeout(0.04):  # less than a skew time and an advertisement
        await first.speaker.release_now()
    assert second.state() is State.BACKUP
    await eventually_async(second.state, 5.0, expected=State.ACTIVE)


async def test_a_changed_priority_is_applied_in_place(sides: tuple[Side, Side], port: int) -> None:
    """The instance runs on. Its next advertisements have the new priority, and it loses."""
    first, second = sides
    await elect(sides, port)
    await first.speaker.configure([configuration(FIRST, SECOND, port, 50)])
    await eventually_async(second.state, 5.0, expected=State.ACTIVE)
    await eventually_async(first.state, 5.0, expected=State.BACKUP)
    assert "no longer configured" not in first.reasons()


async def test_another_transport_restarts_the_instance(sides: tuple[Side, Side], port: int) -> None:
    """The transport is part of its identity: the old instance stops and a new one starts."""
    first, _second = sides
    await elect(sides, port)
    await first.speaker.configure([configuration(FIRST, STRANGER, port, 200)])
    assert "no longer configured" in first.reasons()
    await eventually_async(first.state, 5.0, expected=State.ACTIVE)


async def test_a_resumed_instance_is_active_at_once(sides: tuple[Side, Side], port: int) -> None:
    """It replaces a process that exited a moment ago."""
    first, _second = sides
    await first.speaker.configure(
        [configuration(FIRST, SECOND, port, 100)], resume=frozenset({"demo"})
    )
    await eventually_async(first.state, 5.0, expected=State.ACTIVE)
    assert first.reasons() == ["resumed"]


async def test_an_instance_with_a_fault_ignores_advertisements_and_reports_it(
    sides: tuple[Side, Side], port: int
) -> None:
    """In INITIALIZE advertisements are counted as `not_taking_part` (RFC 9568 6.4.1)."""
    first, second = sides
    await elect(sides, port)
    depends = TrackedObject(key=TrackedKey("pool", "web"))
    faulty = replace(configuration(SECOND, FIRST, port, 100), track=(depends,))
    await second.speaker.configure([faulty], values={depends.key: 0})
    await eventually_async(
        lambda: second.counters().get("dropped_not_taking_part", 0) > 1,
        5.0,
        "drops of an instance in INITIALIZE",
    )
    assert second.state() is State.INITIALIZE
    heard = second.counters()["advertisements_received"]
    second.speaker.update_values({depends.key: 1})
    await eventually_async(
        lambda: second.counters()["advertisements_received"] > heard,
        5.0,
        "another advertisement received",
    )
    assert first.state() is State.ACTIVE


async def test_datagrams_of_strangers_and_random_bytes_are_counted_and_harmless(
    sides: tuple[Side, Side], port: int
) -> None:
    """A stranger's datagram is dropped as such. A peer's wrong datagram is counted by its fault."""
    _first, second = sides
    await elect(sides, port)
    transitions = len(second.reasons())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind((STRANGER, port))
        for length in range(40):
            stranger.sendto(os.urandom(length), (SECOND, port))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wrong_port:
        wrong_port.bind((FIRST, 0))
        wrong_port.sendto(b"x", (SECOND, port))
    await eventually_async(lambda: second.counters().get("dropped_not_a_peer", 0), 5.0, expected=41)
    assert len(second.reasons()) == transitions
    notices = [each for each in second.reports if isinstance(each, Notice)]
    assert len(notices) == 1
    assert notices[0].event == "advertisement_dropped"
    assert notices[0].fields == {
        "instance": "demo",
        "reason": "not_a_peer",
        "source": STRANGER,
        "count": 1,
    }


async def test_a_port_in_use_is_reported_and_tried_again(
    sides: tuple[Side, Side], port: int
) -> None:
    """The instance starts when the port is free."""
    first, _second = sides
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as squatter:
        squatter.bind((FIRST, port))
        await first.speaker.configure([configuration(FIRST, SECOND, port, 100)])
        await eventually_async(lambda: first.reports, 5.0, "a report")
        notice = first.reports[0]
        assert isinstance(notice, Notice)
        assert notice.event == "transport_unusable"
        assert "Address already in use" in str(notice.fields["error"])
    await eventually_async(first.state, 5.0, expected=State.ACTIVE)


def test_addresses_outside_loopback_are_refused() -> None:
    """UDP proves no sender, so it needs auth_hmac. The error names the address."""

    def nothing(*_: object) -> None:
        raise AssertionError

    for transport in (
        UdpUnicast(source="192.0.2.1", peers=(FIRST,)),
        UdpUnicast(source=FIRST, peers=("192.0.2.1",)),
    ):
        with pytest.raises(ValueError, match=r"192\.0\.2\.1: .* outside 127.* requires auth_hmac"):
            UdpSocket(transport, nothing, nothing, authenticated=False)


async def test_a_flood_does_not_grow_a_queue(port: int) -> None:
    """Each loop iteration reads and handles one datagram. The others wait in the kernel."""
    handled: list[Address] = []
    refused: list[DropReason] = []

    def deliver(datagram: Datagram) -> None:
        handled.append(datagram.source)

    transport = UdpUnicast(source=FIRST, peers=(SECOND,), port=port)
    udp = UdpSocket(
        transport, deliver, lambda reason, _: refused.append(reason), authenticated=False
    )
    receiving = asyncio.create_task(udp.receive())
    await asyncio.sleep(0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind((SECOND, port))
        for _ in range(20_000):
            peer.sendto(bytes(100), (FIRST, port))
    for _ in range(50):
        await asyncio.sleep(0)
    stream = udp._stream
    assert stream is not None
    assert stream._recvq.qsize() <= 2  # type: ignore[attr-defined]  # not in the stubs
    assert 0 < len(handled) <= 50
    udp.drain()
    assert len(handled) > 50
    assert udp.lost > 10_000, "what the kernel's buffer did not take is counted"
    receiving.cancel()
    await asyncio.wait((receiving,))
    assert refused == []


async def test_no_capability_is_needed(port: int) -> None:
    """`python -m vrrp` without any capability becomes ACTIVE, with a loopback address over UDP."""
    as_root = os.geteuid() == 0
    process = await asyncio.create_subprocess_exec(
        *(("setpriv", "--bounding-set", "-all", "--inh-caps", "-all") if as_root else ()),
        *(sys.executable, "-m", "vrrp", "--interface", "lo", "--virtual-router-id", "7"),
        *("--address", "127.7.0.100/32", "--udp-source", FIRST, "--udp-peer", SECOND),
        *("--udp-port", str(port), "--advert-interval", "0.05"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(10):
            lines = [await process.stdout.readline() for _ in range(2)]
    finally:
        process.terminate()
    assert await process.wait() == 0
    assert b'"state":"ACTIVE"' in lines[1]


async def start_on_loopback(port: int) -> asyncio.subprocess.Process:
    """Start `python -m vrrp`, and return when its first instruction has blocked the signals."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "vrrp", "--interface", "lo", "--virtual-router-id", "7"),
        *("--address", "127.7.0.100/32", "--udp-source", FIRST, "--udp-peer", SECOND),
        *("--udp-port", str(port), "--advert-interval", "0.05"),
        stdout=asyncio.subprocess.PIPE,
    )

    def blocks_signals() -> bool:
        """SigBlk in proc(5)."""
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
        mask = int(status.partition("SigBlk:")[2].split()[0], 16)
        return bool(mask >> signal.SIGUSR2 - 1 & 1)

    await eventually_async(blocks_signals, 10)
    return process


async def test_orders_during_the_start_are_handled_after_it(port: int) -> None:
    """A handover and a status that are ordered during the imports do not end the process."""
    process = await start_on_loopback(port)
    assert process.stdout is not None
    process.send_signal(signal.SIGUSR1)
    process.send_signal(signal.SIGUSR2)
    async with asyncio.timeout(10):
        while b'"type":"status"' not in (line := await process.stdout.readline()):
            assert line, "the process has ended"
        process.send_signal(signal.SIGUSR2)  # the kernel may have delivered the first one earlier
        while b'"yielding":true' not in (line := await process.stdout.readline()):
            assert line, "the process has ended"
    process.terminate()
    assert await process.wait() == 0


async def test_an_order_to_stop_during_the_start_ends_the_process_in_an_orderly_way(
    port: int,
) -> None:
    process = await start_on_loopback(port)
    process.terminate()
    async with asyncio.timeout(10):
        assert await process.wait() == 0


async def test_a_takeover_reports_the_silence_of_the_peer(
    sides: tuple[Side, Side], port: int
) -> None:
    """Three intervals of 50 ms and the skew time of 30 ms pass after the last advertisement."""
    first, second = sides
    await elect(sides, port)
    await first.speaker.stop(keep=True)
    await eventually_async(second.state, 5.0, expected=State.ACTIVE)
    takeover = [each for each in second.reports if isinstance(each, Transition)][-1]
    assert takeover.peer == FIRST
    assert takeover.silence is not None
    assert 0.17 <= takeover.silence < 0.5
    [began] = [each for each in first.reports if isinstance(each, Transition)][-1:]
    assert began.silence is None
