"""The relay of one connection, with real sockets on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from hadirector.dataplane.relay import open_towards, relay
from hadirector.model.ipvs import DestinationKey

ADDRESS, DESTINATION = "127.0.8.100", "127.0.8.1"
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def relayed(handler: Handler | None) -> AsyncIterator[int]:
    """Relay connections to a server with this handler, or to a port where nothing listens."""
    loop = asyncio.get_running_loop()
    async with contextlib.AsyncExitStack() as stack:
        listening = stack.enter_context(socket.create_server((ADDRESS, 0)))
        listening.setblocking(False)
        with socket.create_server((DESTINATION, 0)) as free:
            key = DestinationKey(DESTINATION, free.getsockname()[1])
        if handler is not None:
            server = await asyncio.start_server(handler, DESTINATION, key.port)
            await stack.enter_async_context(server)

        async def accept() -> None:
            async with asyncio.TaskGroup() as group:
                while True:
                    client, _ = await loop.sock_accept(listening)
                    group.create_task(relay(client, open_towards(client, key), key))

        accepting = asyncio.create_task(accept())
        yield listening.getsockname()[1]
        accepting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await accepting


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.closing(writer), contextlib.suppress(ConnectionError):
        while piece := await reader.read(1000):
            writer.write(piece)


async def test_one_side_may_finish_sending_and_still_receive() -> None:
    async def answer_at_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.read()).upper())
        writer.close()

    async with relayed(answer_at_the_end) as port:
        reader, writer = await asyncio.open_connection(ADDRESS, port)
        writer.write(b"all of it")
        writer.write_eof()
        assert await reader.read() == b"ALL OF IT"
        writer.close()


async def test_a_slow_reader_loses_nothing() -> None:
    size = 16 << 20

    async def pour(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(bytes(range(256)) * (size // 256))
        await writer.drain()
        writer.close()

    async with relayed(pour) as port:
        reader, writer = await asyncio.open_connection(ADDRESS, port, limit=4096)
        received = bytearray()
        while piece := await reader.read(100_000):
            received += piece
            await asyncio.sleep(0)
        writer.close()
    assert bytes(received) == bytes(range(256)) * (size // 256)


async def test_a_destination_that_does_not_read_makes_the_client_wait() -> None:
    """The client can send what the sockets of the kernel hold, a few MB at most, and 16 KiB."""
    ended = asyncio.Event()

    async def read_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket has it
        await ended.wait()
        writer.close()

    async with relayed(read_nothing) as port:
        _, writer = await asyncio.open_connection(ADDRESS, port)
        writer.write(bytes(64 << 20))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(writer.drain(), 1.0)
        ended.set()
        writer.transport.abort()


async def test_a_connection_without_a_byte_is_reset_after_the_idle_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("hadirector.dataplane.relay.IDLE_SECONDS_MAX", 0.2)
    async with relayed(echo) as port:
        reader, writer = await asyncio.open_connection(ADDRESS, port)
        writer.write(b"a")
        assert await reader.readexactly(1) == b"a"
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(), 5.0)
        writer.close()


async def test_a_reset_of_the_destination_reaches_the_client() -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.transport.abort()  # with unread bytes, or a linger time of 0, TCP sends a reset

    async with relayed(reset) as port:
        reader, writer = await asyncio.open_connection(ADDRESS, port)
        writer.write(b"?\n" + bytes(1 << 20))
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(), 5.0)
        writer.close()


async def test_a_refused_destination_resets_the_client() -> None:
    async with relayed(None) as port, asyncio.timeout(1):
        reader, writer = await asyncio.open_connection(ADDRESS, port)
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(1)
        writer.close()
