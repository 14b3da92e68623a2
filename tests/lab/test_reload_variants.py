"""No change of a reload fails a request, as long as the virtual server keeps its address."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hadirector.api.client import request
from tests.lab.loopback import RunningDirector
from tests.waiting import eventually_async

ADDRESS, PORT = "127.0.36.1", 8035
BACKENDS = ("127.0.36.2:8036", "127.0.36.3:8036", "127.0.36.4:8036")
CLIENTS = 4
REQUESTS_MIN = 500
OTHER = (
    "  - {name: other, address: '127.0.36.1:8039', scheduler: rr, forwarding: nat,"
    f" real_servers: [{{address: '{BACKENDS[0]}'}}]}}\n"
)


def configuration(directory: Path, **changes: str) -> str:
    usual = {
        "name": "web",
        "scheduler": "rr",
        "check": "{type: tcp, interval: 1s}",
        "servers": servers(0, 1),
        "pool": "",
        "more": "",
    }
    values = usual | changes
    return (
        f"director: {{name: lb1, dataplane: userspace, runtime_directory: {directory}/run}}\n"
        f"api: {{unix: {directory}/run/api.sock}}\n"
        "virtual_servers:\n"
        f"  - {{name: {values['name']}, address: '{ADDRESS}:{PORT}', forwarding: nat,"
        f" scheduler: {values['scheduler']}, check: {values['check']}, {values['pool']}"
        f" real_servers: [{values['servers']}]}}\n{values['more']}"
    )


def servers(*numbers: int, weight: int = 1) -> str:
    return ", ".join(f"{{address: '{BACKENDS[n]}', weight: {weight}}}" for n in numbers)


SAME: dict[str, str] = {}
REPLACED = {"servers": servers(2)}
REPLACEMENTS = 3
VARIANTS: tuple[dict[str, str], ...] = (
    SAME,
    {"name": "renamed"},
    {"scheduler": "wlc"},
    {"check": "{type: tcp, interval: 2s}"},
    {"check": "{type: http, interval: 1s}"},
    {"check": "none"},
    {"servers": servers(0, 1, weight=5)},
    {"servers": f"{servers(0, weight=0)}, {servers(1)}"},
    {"servers": servers(0, 1, 2)},
    {"servers": servers(1)},
    REPLACED,
    {"pool": "quorum: 2,"},
    {"pool": "min_healthy: 1,"},
    {"pool": "on_failure: remove,"},
    {"more": OTHER},
)


class Clients:
    """Clients that send one request after the other, each on a connection of its own."""

    def __init__(self) -> None:
        self.answered = 0
        self.faults: Counter[str] = Counter()

    async def run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(5.0):
                    await self._request()
                self.answered += 1
            except (OSError, asyncio.IncompleteReadError) as error:
                self.faults[repr(error)] += 1
            await asyncio.sleep(0.005)

    async def _request(self) -> None:
        reader, writer = await asyncio.open_connection(ADDRESS, PORT)
        try:
            writer.write(b"GET / HTTP/1.0\r\n\r\n")
            await reader.readuntil(b"\r\n")
        finally:
            writer.close()


class Backends:
    """The real servers. Each answers one request per connection."""

    def __init__(self) -> None:
        self._answering: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def listen(self) -> AsyncIterator[None]:
        """Listen during the context. At its end, wait until each connection is closed.

        `asyncio.Server.wait_closed` of Python 3.11 does not wait for connections.
        """
        async with contextlib.AsyncExitStack() as servers:
            for backend in BACKENDS:
                host, _, port = backend.partition(":")
                server = await asyncio.start_server(self._start, host, int(port))
                await servers.enter_async_context(server)
            yield
        if self._answering:
            _, unanswered = await asyncio.wait(self._answering, timeout=5.0)
            assert not unanswered, "the director and the clients have closed their connections"

    def _start(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answering = asyncio.create_task(self._answer(reader, writer))
        self._answering.add(answering)
        answering.add_done_callback(self._answering.discard)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await reader.readline()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@pytest.mark.parametrize("seed", [1])
async def test_reloads_under_traffic_fail_no_request(tmp_path: Path, seed: int) -> None:
    """Replacing all real servers at once used to reset some: the pool was empty in passing."""
    directory = tmp_path / "lb1"
    order = random.Random(seed).sample(VARIANTS, len(VARIANTS))
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(Backends().listen())
        director = RunningDirector(directory, configuration(directory))
        stack.callback(director.end)

        def serves() -> bool:
            with contextlib.suppress(Exception):
                [server] = director.status().virtual_servers
                return all(each.actual_weight for each in server.real_servers)
            return False

        await eventually_async(serves, 30.0, "both real servers serve", threaded=True)
        clients = Clients()
        running = [asyncio.create_task(clients.run()) for _ in range(CLIENTS)]
        for variant in (*order, *(SAME, REPLACED) * REPLACEMENTS, SAME):
            director.file.write_text(configuration(directory, **variant))
            socket = str(directory / "run/api.sock")
            await asyncio.to_thread(request, socket, "POST", "/v1/reload")
            await asyncio.sleep(0.1)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    assert clients.faults == {}
    assert clients.answered > REQUESTS_MIN
