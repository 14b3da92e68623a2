"""The userspace dataplane on loopback, with real sockets and, for handovers, real processes."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import socket
import sys
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from hadirector.dataplane.dataplane import Counters, Dataplane, read_table
from hadirector.dataplane.listener import LINGER_SECONDS, Listener
from hadirector.dataplane.reconcile import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    EditDestination,
    Operation,
)
from hadirector.dataplane.userspace import UserspaceDataplane
from hadirector.model.ipvs import (
    Destination,
    DestinationKey,
    ForwardingMethod,
    Protocol,
    Service,
    ServiceEntry,
    ServiceKey,
)

VIRTUAL_ADDRESS = "127.0.7.100"
IN = Destination(1, ForwardingMethod.NAT)
DRAINED = Destination(0, ForwardingMethod.NAT)
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def free_port() -> int:
    with socket.create_server((VIRTUAL_ADDRESS, 0)) as probe:
        return int(probe.getsockname()[1])


def service_key(port: int) -> ServiceKey:
    return ServiceKey(Protocol.TCP, VIRTUAL_ADDRESS, port)


@contextlib.asynccontextmanager
async def backend(handler: Handler) -> AsyncIterator[DestinationKey]:
    server = await asyncio.start_server(handler, "127.0.7.1", 0, backlog=1024)
    async with server:
        yield DestinationKey("127.0.7.1", server.sockets[0].getsockname()[1])


def naming(name: bytes) -> Handler:
    """Return a server that answers each line with its name."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(ConnectionError):
            while await reader.readline():
                writer.write(name)

    return answer


async def ask(port: int) -> bytes:
    """Return the one-byte answer on a new connection."""
    reader, writer = await asyncio.open_connection(VIRTUAL_ADDRESS, port)
    with contextlib.closing(writer):
        writer.write(b"?\n")
        return await reader.readexactly(1)


@pytest.fixture
async def dataplane() -> AsyncIterator[UserspaceDataplane]:
    userspace = UserspaceDataplane()
    await userspace.start()
    yield userspace
    await userspace.close()


@pytest.fixture
async def port(dataplane: UserspaceDataplane) -> int:
    """The port of a service without destinations."""
    number = free_port()
    await dataplane.apply([AddService(service_key(number), Service("rr"))])
    return number


async def add(dataplane: Dataplane, port: int, *keys: DestinationKey) -> None:
    assert not await dataplane.apply([AddDestination(service_key(port), key, IN) for key in keys])


async def test_new_connections_take_turns(dataplane: UserspaceDataplane, port: int) -> None:
    async with backend(naming(b"a")) as a, backend(naming(b"b")) as b:
        await add(dataplane, port, a, b)
        assert [await ask(port) for _ in range(4)] == [b"a", b"b", b"a", b"b"]


@pytest.mark.parametrize("leaving", [False, True])
async def test_a_deleted_service_leaves_nothing_to_the_garbage_collector(
    dataplane: UserspaceDataplane, port: int, leaving: bool
) -> None:
    """A reload excludes all objects from later collections, also those in circles."""
    left = weakref.ref(dataplane._services[service_key(port)])
    if leaving:
        await dataplane.withhold(frozenset({VIRTUAL_ADDRESS}))
    gc.disable()
    try:
        await dataplane.apply([DeleteService(service_key(port))])
        await asyncio.sleep(LINGER_SECONDS + 0.1 if leaving else 0)
        dataplane._deleted.clear()  # the next deletion does so
        assert left() is None
    finally:
        gc.enable()


async def test_without_a_destination_the_client_is_reset_at_once(port: int) -> None:
    async with asyncio.timeout(1):
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await ask(port)


@pytest.mark.parametrize("way_out", ["drained", "removed", "service deleted"])
async def test_open_connections_continue_when_their_destination_is_removed(
    dataplane: UserspaceDataplane, port: int, way_out: str
) -> None:
    key = service_key(port)
    async with backend(naming(b"a")) as a, backend(naming(b"b")) as b:
        await add(dataplane, port, a, b)
        reader, writer = await asyncio.open_connection(VIRTUAL_ADDRESS, port)
        writer.write(b"?\n")
        assert await reader.readexactly(1) == b"a"
        operations: dict[str, Operation] = {
            "drained": EditDestination(key, a, DRAINED),
            "removed": DeleteDestination(key, a),
            "service deleted": DeleteService(key),
        }
        assert not await dataplane.apply([operations[way_out]])
        if way_out != "service deleted":
            assert [await ask(port) for _ in range(3)] == [b"b", b"b", b"b"]
        if way_out == "drained":
            assert (await dataplane.read_counters(key))[a] == Counters(0, active=1, inactive=0)
        writer.write(b"?\n")
        assert await reader.readexactly(1) == b"a"
        writer.close()


async def test_a_withheld_address_refuses_new_connections_and_keeps_open_ones(
    dataplane: UserspaceDataplane, port: int
) -> None:
    async with backend(naming(b"a")) as a:
        await add(dataplane, port, a)
        reader, writer = await asyncio.open_connection(VIRTUAL_ADDRESS, port)
        writer.write(b"?\n")
        assert await reader.readexactly(1) == b"a"
        await dataplane.withhold(frozenset({VIRTUAL_ADDRESS}))
        await asyncio.sleep(0.5)  # the listener lingers for 0.4 s
        with pytest.raises(ConnectionRefusedError):
            await ask(port)
        writer.write(b"?\n")
        assert await reader.readexactly(1) == b"a"
        writer.close()
        await dataplane.withhold(frozenset())
        assert await ask(port) == b"a"


async def test_an_address_that_returns_while_lingering_stays(
    dataplane: UserspaceDataplane, port: int
) -> None:
    async with backend(naming(b"a")) as a:
        await add(dataplane, port, a)
        await dataplane.withhold(frozenset({VIRTUAL_ADDRESS}))
        assert await ask(port) == b"a"
        await dataplane.withhold(frozenset())
        await asyncio.sleep(0.5)  # after the end of the lingering
        assert await ask(port) == b"a"


async def test_a_port_in_use_is_reported_and_tried_again_by_the_next_pass(
    dataplane: UserspaceDataplane,
) -> None:
    with socket.create_server((VIRTUAL_ADDRESS, 0)) as other:
        number = other.getsockname()[1]
        key = service_key(number)
        operation = AddService(key, Service("rr"))
        (failure,) = await dataplane.apply([operation])
        assert failure.error == (
            f"cannot listen on tcp {VIRTUAL_ADDRESS}:{number}: Address already in use"
        )
        assert await read_table(dataplane) == {}
    assert not await dataplane.apply([operation])
    assert await read_table(dataplane) == {key: ServiceEntry(Service("rr"), {})}


@pytest.mark.parametrize(
    ("key", "service", "error"),
    [
        (
            ServiceKey(Protocol.UDP, VIRTUAL_ADDRESS, 53),
            Service("rr"),
            "udp 127.0.7.100:53: the userspace dataplane relays tcp only",
        ),
        (
            ServiceKey(Protocol.TCP, VIRTUAL_ADDRESS, 8080),
            Service("mh"),
            "tcp 127.0.7.100:8080: the userspace dataplane has no scheduler 'mh'; "
            "it has rr, wrr, lc, wlc",
        ),
        (
            ServiceKey(Protocol.TCP, VIRTUAL_ADDRESS, 8080),
            Service("rr", persistence=300),
            "tcp 127.0.7.100:8080: the userspace dataplane has no persistence",
        ),
    ],
)
async def test_an_unsupported_feature_is_refused_by_name(
    dataplane: UserspaceDataplane, key: ServiceKey, service: Service, error: str
) -> None:
    (failure,) = await dataplane.apply([AddService(key, service)])
    assert failure.error == error


@pytest.mark.parametrize("leaver_is_older", [True, False])
async def test_new_connections_avoid_a_listener_that_leaves(leaver_is_older: bool) -> None:
    number = free_port()
    reached: asyncio.Queue[str] = asyncio.Queue()

    def note(name: str, client: socket.socket) -> None:
        reached.put_nowait(name)
        client.close()

    older = Listener(VIRTUAL_ADDRESS, number, functools.partial(note, "older"))
    younger = Listener(VIRTUAL_ADDRESS, number, functools.partial(note, "younger"))
    leaver, name = (older, "older") if leaver_is_older else (younger, "younger")
    leaver.leave()
    names = []
    for _ in range(100):
        _, writer = await asyncio.open_connection(VIRTUAL_ADDRESS, number)
        writer.close()
        names.append(await reached.get())
    older.close()
    younger.close()
    # Each connection to the leaving listener moves the pointer past itself and the two empty places
    # of the group of four. With the hash alone the listener would get about 50.
    assert names.count(name) <= 3


class Director:
    """A process that serves the port, or withholds its address, as ordered."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def order(self, word: bytes) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(word + b"\n")
        assert await self._process.stdout.readline() == word + b"\n"


@contextlib.asynccontextmanager
async def director(port: int, destination: DestinationKey) -> AsyncIterator[Director]:
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, __file__, str(port), destination.address, str(destination.port)],
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Director(process)
    finally:
        process.kill()
        await process.wait()


@pytest.mark.parametrize(
    ("successor_first", "gap_seconds"),
    [(True, 0.2), (True, 0.0), (False, 0.0), (False, 0.1)],
    ids=["handover", "both at once", "preempted at once", "preempted, late successor"],
)
async def test_no_connection_fails_while_the_address_moves_between_processes(
    successor_first: bool, gap_seconds: float
) -> None:
    number = free_port()
    async with (
        backend(naming(b"a")) as destination,
        director(number, destination) as one,
        director(number, destination) as other,
        asyncio.TaskGroup() as clients,
    ):
        await one.order(b"serve")
        moving = True
        answered = 0

        async def connect_all_the_time() -> None:
            nonlocal answered
            while moving:
                async with asyncio.timeout(1):
                    assert await ask(number) == b"a"
                answered += 1

        for _ in range(4):
            clients.create_task(connect_all_the_time())
        for turn in range(40):
            if turn >= 4 and answered > 500:
                break
            holder, successor = (one, other) if turn % 2 == 0 else (other, one)
            steps = [(successor, b"serve"), (holder, b"withhold")]
            for director_process, word in steps if successor_first else reversed(steps):
                await director_process.order(word)
                await asyncio.sleep(gap_seconds)
            await asyncio.sleep(0.5)  # until the leaving listener has closed
        moving = False
    assert answered > 500


async def obey(port: int, destination: DestinationKey) -> None:
    """Be a director process: execute the words from standard input."""
    dataplane = UserspaceDataplane()
    await dataplane.withhold(frozenset({VIRTUAL_ADDRESS}))
    await dataplane.apply(
        [
            AddService(service_key(port), Service("rr")),
            AddDestination(service_key(port), destination, IN),
        ]
    )
    while word := (await asyncio.to_thread(sys.stdin.readline)).strip():
        await dataplane.withhold(frozenset({VIRTUAL_ADDRESS} if word == "withhold" else ()))
        sys.stdout.write(f"{word}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(obey(int(sys.argv[1]), DestinationKey(sys.argv[2], int(sys.argv[3]))))
