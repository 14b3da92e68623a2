"""Plain probes by io_uring: what readiness has not. It takes a kernel that has it, as CI's does."""

import asyncio
import ctypes
import errno
import select
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, closing

import pytest

from checks.definition.check import CheckDefinition, Timing
from checks.definition.options import HttpProbe, TcpProbe
from checks.definition.result import Reason, Result
from checks.io.engine import Engine
from checks.io.io_uring import Ring
from checks.io.ring import BUFFER_SIZE, socket_address
from checks.probes.tcp import converse
from tests.lab.probes.asking import ask

Answer = Callable[..., AbstractAsyncContextManager[int]]


@pytest.fixture
def ring() -> Iterator[Ring]:
    """Room for four operations, and for eight sockets."""
    with closing(Ring(4, 8)) as ring:
        yield ring


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        yield listener


class Memory:
    """Bytes that the kernel may read and write."""

    def __init__(self, content: bytes) -> None:
        self._memory = ctypes.create_string_buffer(content, len(content))
        self.at = ctypes.addressof(self._memory)
        self.length = len(content)

    def content(self) -> bytes:
        return self._memory.raw


def connect(ring: Ring, listener: socket.socket, places: range) -> list[tuple[int, int]]:
    """Connect to the listener from each place, and take what is told of it."""
    there = Memory(socket_address(socket.AF_INET, *listener.getsockname()))
    for place in places:
        ring.connect(place, socket.AF_INET, there.at, there.length)
    ring.submit()
    return ring.ended()


def test_addresses_are_written_as_the_kernel_reads_them() -> None:
    """As linux/in.h and in6.h say; the family is in the host's byte order."""
    assert socket_address(socket.AF_INET, "192.0.2.7", 443) == (
        socket.AF_INET.to_bytes(2, sys.byteorder) + bytes.fromhex("01bb c0000207 0000000000000000")
    )
    assert socket_address(socket.AF_INET6, "2001:db8::7", 80) == (
        socket.AF_INET6.to_bytes(2, sys.byteorder)
        + bytes.fromhex("0050 00000000 20010db8000000000000000000000007 00000000")
    )


def test_more_than_the_ring_holds_is_submitted_in_between(
    ring: Ring, listener: socket.socket
) -> None:
    """Three operations each, of which the ring holds four; one end is told of each place."""
    ended = connect(ring, listener, range(8))
    assert sorted(ended) == [(place, -errno.EISCONN) for place in range(8)]


def test_what_is_closed_is_closed_for_the_peer_too(ring: Ring, listener: socket.socket) -> None:
    connect(ring, listener, range(1))
    with listener.accept()[0] as accepted:
        accepted.settimeout(5)
        ring.close_place(0)
        ring.submit()
        assert accepted.recv(1) == b""
    assert ring.ended() == []


def test_sockets_end_with_the_ring(listener: socket.socket) -> None:
    with closing(Ring(4, 1)) as ring:
        connect(ring, listener, range(1))
        accepted = listener.accept()[0]
    with accepted:
        accepted.settimeout(5)
        assert accepted.recv(1) == b""


def test_what_is_canceled_is_told_of_once(ring: Ring, listener: socket.socket) -> None:
    connect(ring, listener, range(1))
    there = Memory(bytes(16))
    ring.receive(0, there.at, there.length)
    ring.submit()
    assert ring.ended() == []
    ring.cancel(0)
    ring.submit()
    assert ring.ended() == [(0, -errno.ECANCELED)]


def test_what_comes_later_makes_its_file_readable(ring: Ring, listener: socket.socket) -> None:
    connect(ring, listener, range(1))
    there = Memory(bytes(16))
    ring.receive(0, there.at, there.length)
    ring.submit()
    with listener.accept()[0] as accepted:
        accepted.send(b"words")
        assert select.select([ring], [], [], 5)[0] == [ring]
    ring.submit()
    assert ring.ended() == [(0, 5)]
    assert there.content()[:5] == b"words"


async def test_what_is_longer_than_a_buffer_is_sent_and_received(answer: Answer) -> None:
    body = b"x" * (5 * BUFFER_SIZE) + b"end"
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    async with answer(head + body) as port:
        probe = HttpProbe(method="POST", body=b"y" * (3 * BUFFER_SIZE), expect_body="xend$")
        result = await ask(port, probe)
    assert result.reason is Reason.PASSED, result


async def test_more_links_than_places_are_a_want_of_this_host(deaf_port: int) -> None:
    results: asyncio.Queue[Result] = asyncio.Queue()
    definition = CheckDefinition(
        identity="t", address="127.0.0.1", port=deaf_port, probe=TcpProbe(), timing=Timing()
    )
    with closing(Engine(lambda _, result: results.put_nowait(result), 1)) as engine:
        engine.start(definition, converse)
        engine.start(definition, converse)
        engine.flush()
        async with asyncio.timeout(5):
            refused, silent = await results.get(), await results.get()
    assert refused.reason is Reason.LOCAL_ERROR
    assert refused.detail == "connecting: No buffer space available"
    assert silent.reason is Reason.TIMEOUT
