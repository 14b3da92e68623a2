"""Typed messages between processes: any size, without blocking, in a queue with a bound."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import pytest

from checks.definition.check import CheckDefinition
from checks.definition.options import TcpProbe
from hadirector.processes import channel
from hadirector.processes.channel import Channel, ChannelError, ChannelFullError
from hadirector.processes.messages import ConfigureChecks, Heartbeat, Stop, ToChecks


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = channel.pair()
    with contextlib.closing(ours), contextlib.closing(theirs):
        yield ours, theirs


def many_checks(number: int) -> ConfigureChecks:
    return ConfigureChecks(
        tuple(
            CheckDefinition(
                identity=f"check {index}", address="192.0.2.1", port=80, probe=TcpProbe()
            )
            for index in range(number)
        )
    )


def send_heartbeats(sender: Channel[ToChecks], number: int) -> None:
    for _ in range(number):
        sender.send(Heartbeat())


async def test_messages_arrive_in_order(ends: tuple[socket.socket, socket.socket]) -> None:
    sender: Channel[ToChecks] = Channel(ends[0], ToChecks)
    receiver: Channel[ToChecks] = Channel(ends[1], ToChecks)
    sender.send(Heartbeat())
    sender.send(Stop(keep=True))
    assert await receiver.receive() == Heartbeat()
    assert await receiver.receive() == Stop(keep=True)


async def test_a_message_larger_than_a_packet_arrives_whole(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    sender: Channel[ToChecks] = Channel(ends[0], ToChecks)
    receiver: Channel[ToChecks] = Channel(ends[1], ToChecks)
    large = many_checks(37_000)
    sender.send(large)
    assert await receiver.receive() == large


async def test_the_end_of_the_other_process_is_no_error(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    receiver: Channel[ToChecks] = Channel(ends[1], ToChecks)
    ends[0].close()
    assert await receiver.receive() is None


async def test_the_last_messages_of_a_process_arrive_although_it_did_not_read(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    """The kernel then reports ECONNRESET before the messages that it still holds (unix(7))."""
    director: Channel[ToChecks] = Channel(ends[0], ToChecks)
    process: Channel[ToChecks] = Channel(ends[1], ToChecks)
    process.send(Heartbeat())
    process.send(Stop(keep=True))
    director.send(Heartbeat())
    process.close()
    assert await director.receive() == Heartbeat()
    assert await director.receive() == Stop(keep=True)
    assert await director.receive() is None


async def test_sending_to_a_dead_process_is_no_error(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    sender: Channel[ToChecks] = Channel(ends[0], ToChecks)
    ends[1].close()
    sender.send(Heartbeat())
    assert await sender.receive() is None


async def test_a_process_that_does_not_read_never_blocks_the_sender(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the bound, droppable messages are dropped and counted; others are an error."""
    monkeypatch.setattr(channel, "QUEUE_PACKETS_MAX", 5)
    sender: Channel[ToChecks] = Channel(ends[0], ToChecks)
    with pytest.raises(ChannelFullError):
        send_heartbeats(sender, 100_000)
    assert sender.dropped == 0
    sender.send(Heartbeat(), droppable=True)
    sender.send(Heartbeat(), droppable=True)
    assert sender.dropped == 2
    sender.close()


async def test_queued_messages_are_sent_when_the_other_process_reads_again(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    sender: Channel[ToChecks] = Channel(ends[0], ToChecks)
    receiver: Channel[ToChecks] = Channel(ends[1], ToChecks)
    send_heartbeats(sender, 3000)
    sender.send(Stop())
    async with asyncio.timeout(5):
        received = [await receiver.receive() for _ in range(3001)]
    assert received[-1] == Stop()
    assert received[:-1] == [Heartbeat()] * 3000


@pytest.mark.parametrize(
    "packet",
    [
        b"\x01",
        b"\x01nonsense",
        b"\x01\x81\xa4type\xa5bogus",
        b"\x01\x82\xa4type\xb0configure_checks\xa8verdicts\x81\xa1\xff\xa7unknown",
    ],
)
async def test_an_invalid_message_is_a_channel_error(
    ends: tuple[socket.socket, socket.socket], packet: bytes
) -> None:
    receiver: Channel[ToChecks] = Channel(ends[1], ToChecks)
    ends[0].send(packet)
    with pytest.raises(ChannelError, match="cannot decode"):
        await receiver.receive()


async def test_an_endless_message_is_refused(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "MESSAGE_SIZE_MAX", 1000)
    receiver: Channel[ToChecks] = Channel(ends[1], ToChecks)
    ends[0].send(b"\x00" + bytes(600))
    ends[0].send(b"\x00" + bytes(600))
    with pytest.raises(ChannelError, match="exceeds 1000 bytes"):
        await receiver.receive()
