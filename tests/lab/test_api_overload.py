"""Clients of the API that are many, slow, silent or greedy leave the director as it is."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from hadirector.api import connections, exchange
from hadirector.api.client import request
from hadirector.api.server import serving
from hadirector.events.event_log import Page
from tests.lab.loopback import RunningDirector, memory
from tests.lab.partial_director import director_with
from tests.processor_time import processor_seconds
from tests.waiting import eventually

REAL_SERVERS = 2000
CLIENTS = 300
NOBODY = director_with()
GET = "GET {} HTTP/1.1\r\nHost: x\r\n\r\n"


def configuration(directory: Path) -> str:
    real_servers = ", ".join(
        f"{{address: '127.1.{number // 250}.{number % 250}:80'}}" for number in range(REAL_SERVERS)
    )
    return (
        f"director: {{name: lb1, dataplane: userspace, runtime_directory: {directory}/run}}\n"
        f"api: {{unix: {directory}/run/api.sock}}\n"
        "virtual_servers:\n"
        "  - {name: web, address: '127.0.31.1:8031', scheduler: rr, forwarding: nat,"
        f" check: none, real_servers: [{real_servers}]}}\n"
    )


@pytest.fixture
def director(tmp_path: Path) -> Iterator[RunningDirector]:
    directory = tmp_path / "lb1"
    running = RunningDirector(directory, configuration(directory))
    try:
        eventually(running.answers, 30.0, "the API")
        yield running
    finally:
        running.end()


@contextlib.contextmanager
def greedy_clients(path: Path, route: str) -> Iterator[None]:
    """Connect many clients that ask for a large answer and never read it."""
    with contextlib.ExitStack() as clients:
        for _ in range(CLIENTS):
            client = clients.enter_context(socket.socket(socket.AF_UNIX))
            client.settimeout(0.2)
            with contextlib.suppress(OSError):  # the queue is full, or the director hung up
                client.connect(str(path))
                client.sendall(GET.format(route).encode() * 3)
        yield


@pytest.mark.parametrize("route", ["/v1/status", "/metrics"])
def test_greedy_clients_cost_little_memory_and_nothing_after_they_left(
    director: RunningDirector, route: str
) -> None:
    """Each answer has 0.6 to 2 MB."""
    path = director.directory / "run/api.sock"
    pid = director.process.pid
    idle = memory(pid)
    with greedy_clients(path, route):
        asked = time.monotonic()
        request(str(path), "GET", "/v1/events")
        assert time.monotonic() - asked < 20.0
        time.sleep(3.0)
    assert memory(pid, "VmHWM") < 2 * idle
    time.sleep(2.0)
    used = processor_seconds(pid)
    time.sleep(1.0)
    assert processor_seconds(pid) - used < 0.5
    assert "Traceback" not in director.log
    assert len(director.log.splitlines()) < 100


@contextlib.asynccontextmanager
async def served(path: Path) -> AsyncIterator[None]:
    """Serve a director whose only answer is an empty list of events, after the asked time."""

    async def after(_number: int, seconds: float) -> Page:
        await asyncio.sleep(seconds)
        return Page((), last=0, missed=0)

    async with serving(director_with(recorder=SimpleNamespace(after=after)), path):
        yield


@contextlib.contextmanager
def connected(path: Path, text: str = "") -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.setblocking(False)
        client.sendall(text.encode())
        yield client


async def receive(client: socket.socket) -> bytes:
    """Return the next bytes, b"" after the end. Raises TimeoutError after 5 s."""
    async with asyncio.timeout(5.0):
        with contextlib.suppress(ConnectionError):
            return await asyncio.get_running_loop().sock_recv(client, 65536)
    return b""


@pytest.mark.parametrize(
    "text",
    ["", "GET /v1/ev", GET.format("/v1/nothing")],
    ids=["silent", "half a head", "answered"],
)
async def test_an_idle_connection_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(connections, "IDLE_SECONDS_MAX", 0.3)
    monkeypatch.setattr(connections, "SWEEP_SECONDS", 0.1)
    path = tmp_path / "api.sock"
    async with serving(NOBODY, path):
        with connected(path, text) as client:
            while await receive(client):
                pass


@pytest.mark.parametrize("route", ["/v1/overrides/remove", "/v1/overrides", "/v1/config/plan"])
async def test_a_body_that_does_not_arrive_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, route: str
) -> None:
    monkeypatch.setattr(exchange, "BODY_SECONDS_MAX", 0.2)
    path = tmp_path / "api.sock"
    async with serving(NOBODY, path):
        head = f"POST {route} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"
        with connected(path, head + "half") as client:
            assert (await receive(client)).split()[1] == b"408"


async def test_silent_connections_do_not_keep_out_a_client(tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    async with served(path):
        with contextlib.ExitStack() as silent:
            for _ in range(2 * connections.CONNECTIONS_MAX):
                silent.enter_context(connected(path))
                await asyncio.sleep(0)
            with connected(path, GET.format("/v1/events")) as client:
                assert (await receive(client)).startswith(b"HTTP/1.1 200 OK\r\n")
            ends = 2 * connections.CONNECTIONS_MAX + connections.CONNECTIONS_MAX
            assert len(os.listdir("/proc/self/fd")) < ends + 40


@pytest.mark.parametrize(
    "text",
    [
        "GET /v1/ev",
        "POST /v1/overrides HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf",
        "POST /v1/config/plan HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf",
        GET.format("/v1/events?wait=20"),
    ],
)
async def test_a_client_that_leaves_causes_no_line_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    path = tmp_path / "api.sock"
    async with served(path):
        with connected(path, text):
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.1)
    assert caplog.text == ""


async def test_a_client_that_does_not_read_its_answer_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until then it holds some pieces of the answer in buffers, not the whole answer."""

    async def prepare(_handlers: object) -> bytes:
        return b"x" * 5_000_000

    monkeypatch.setattr(exchange, "SEND_SECONDS_MAX", 0.3)
    monkeypatch.setattr("hadirector.api.context.Context._prepare_status", prepare)
    path = tmp_path / "api.sock"
    async with serving(NOBODY, path):
        with connected(path, GET.format("/v1/status")) as client:
            await asyncio.sleep(1.0)
            received = 0
            while piece := await receive(client):
                received += len(piece)
        assert 0 < received < 1_000_000


async def test_a_change_whose_client_leaves_is_completed(tmp_path: Path) -> None:
    """A half of a change, stored but not in force, would be worse than either."""
    path = tmp_path / "api.sock"
    done = asyncio.Event()

    async def reload(_actor: str) -> str:
        await asyncio.sleep(0.3)
        done.set()
        return ""

    director = director_with(reconfiguration=SimpleNamespace(reload=reload))
    async with serving(director, path):
        with connected(path, "POST /v1/reload HTTP/1.1\r\nHost: x\r\n\r\n"):
            await asyncio.sleep(0.1)
        async with asyncio.timeout(5.0):
            await done.wait()
