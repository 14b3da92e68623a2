"""Small servers on loopback that behave as a test needs."""

import asyncio
import contextlib
import resource
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager

import pytest

from tests.lab.probes import certificates
from tests.lab.probes.accepting import Acceptor
from tests.lab.probes.accepting import Converse as Handler


async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Do nothing, so that the connection ends."""


async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Close the own half of the connection, and continue to read."""
    writer.write_eof()
    await reader.read()


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send nothing until the client closes the connection."""
    await reader.read()


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reset the connection."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send data without end."""
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send one byte of a reply every 0.2 s, until the client closes the connection."""
    for byte in b"HTTP/1.1 200 OK\r\n\r\n":
        writer.write(bytes([byte]))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                await reader.read()
                return


ENDINGS: dict[str, Handler] = {
    "close": close,
    "half": half,
    "hang": hang,
    "reset": reset,
    "flood": flood,
    "drip": drip,
}


def replying(reply: bytes, then: str) -> Handler:
    """Read the request, send these bytes, then run the named ending."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply)
        await ENDINGS[then](reader, writer)

    return handle


@contextlib.asynccontextmanager
async def serving(
    handler: Handler, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[int]:
    """Serve on a free port, and wait for the end of every connection at the end."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
            await handler(reader, writer)

    server = Acceptor(converse, host, tls=tls)
    try:
        yield server.port
    finally:
        await server.close()


@pytest.fixture
def serve() -> Callable[..., AbstractAsyncContextManager[int]]:
    """``async with serve(handler, tls, host) as port``: a server with any behavior."""
    return serving


@pytest.fixture
def answer() -> Callable[..., AbstractAsyncContextManager[int]]:
    """``async with answer(reply, then, tls, host) as port``: see `replying`."""

    def answering(
        reply: bytes,
        then: str = "close",
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
    ) -> AbstractAsyncContextManager[int]:
        return serving(replying(reply, then), tls, host)

    return answering


@pytest.fixture
def endings() -> dict[str, Handler]:
    """The endings of a connection by name."""
    return ENDINGS


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that refuses: bound, so that no other process gets it, but not listening."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """A port whose accept queue is full, so that it does not answer."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@contextlib.contextmanager
def exhausting_descriptors() -> Iterator[None]:
    with socket.socket() as lowest_free:
        limit = lowest_free.fileno()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def no_more_descriptors() -> Callable[[], AbstractContextManager[None]]:
    """``with no_more_descriptors():`` this process has no free file descriptors."""
    return exhausting_descriptors


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> certificates.Authority:
    """A certificate authority for this test run."""
    return certificates.made_in(tmp_path_factory.mktemp("certificates"))
