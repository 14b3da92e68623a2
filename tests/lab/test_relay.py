"""The relay of one connection, with real sockets on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import gc
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


async def test_a_piece_is_sent_at_once_in_both_directions() -> None:
    with socket.create_server((DESTINATION, 0)) as listening, socket.socket() as client:
        client.connect(listening.getsockname())
        passed = listening.accept()[0]
        passed.setblocking(False)
        key = DestinationKey(*listening.getsockname())
        server = open_towards(passed, key)
        relaying = asyncio.create_task(relay(passed, server, key))
        await asyncio.sleep(0.05)
        for end in (passed, server):
            assert end.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        relaying.cancel()
        await asyncio.wait([relaying])
        assert (passed.fileno(), server.fileno()) == (-1, -1)


async def test_a_relay_leaves_nothing_to_the_garbage_collector() -> None:
    """A collection of a thousand relays would delay the event loop."""
    loop = asyncio.get_running_loop()
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        with socket.create_server((DESTINATION, 0)) as listening:
            listening.setblocking(False)
            for _ in range(3):
                await _relay_once(loop, listening)
        gc.collect()
        left = [each for each in gc.garbage if type(each).__module__ != "builtins"]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert left == []


async def _relay_once(loop: asyncio.AbstractEventLoop, listening: socket.socket) -> None:
    """Relay one byte to the other end, and half-close both ends."""
    key = DestinationKey(*listening.getsockname())
    with socket.socket() as client:
        client.setblocking(False)
        await loop.sock_connect(client, listening.getsockname())
        passed, _ = await loop.sock_accept(listening)
        relaying = asyncio.create_task(relay(passed, open_towards(passed, key), key))
        destination, _ = await loop.sock_accept(listening)
        with destination:
            await loop.sock_sendall(client, b"a")
            assert await loop.sock_recv(destination, 10) == b"a"
            for end in (client, destination):
                end.shutdown(socket.SHUT_WR)
            await relaying
