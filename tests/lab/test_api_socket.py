"""The API's socket file: which files it replaces, its mode, and the requests that it refuses."""

from __future__ import annotations

import asyncio
import socket
import stat
from pathlib import Path

import pytest

from hadirector.api import server
from hadirector.api.client import ApiError, request
from hadirector.api.server import serving
from hadirector.events.event_log import Page
from hadirector.events.recorder import Recorder
from tests.lab.partial_director import director_with

NOBODY = director_with()


def mode_of(path: Path) -> int:
    return path.stat().st_mode


async def serve_once(path: Path) -> int:
    """Serve for a moment; return the mode of the socket file."""
    async with serving(NOBODY, path):
        return mode_of(path)


async def test_only_owner_and_group_may_open_it_and_it_is_gone_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    mode = await serve_once(path)
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o660
    assert not path.exists()


async def test_a_socket_without_a_director_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    assert stat.S_ISSOCK(await serve_once(path))


async def test_a_socket_with_a_running_director_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    with socket.socket(socket.AF_UNIX) as living:
        living.bind(str(path))
        living.listen()
        with pytest.raises(OSError, match="another director answers here") as caught:
            await serve_once(path)
    assert caught.value.filename == str(path)


async def test_a_file_is_never_replaced_by_a_socket(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("keep me")
    with pytest.raises(OSError, match="not a socket"):
        await serve_once(path)
    assert path.read_text() == "keep me"


async def test_an_unknown_route_is_refused_with_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    async with serving(NOBODY, path):
        with pytest.raises(ApiError, match="no path /v1/nothing"):
            await asyncio.to_thread(request, str(path), "GET", "/v1/nothing")
        with pytest.raises(ApiError, match=r"\(expected DELETE, GET, HEAD, PUT\)"):
            await asyncio.to_thread(request, str(path), "POST", "/v1/handover")


async def test_a_body_that_is_not_text_is_a_bad_request(tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    async with serving(NOBODY, path):
        reader, writer = await asyncio.open_unix_connection(path)
        head = b"PUT /v1/handover HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\n"
        writer.write(head + b'{"reason":"\xff"}')
        assert (await reader.readline()).split()[1] == b"400"
        writer.close()
        await writer.wait_closed()


async def test_a_client_that_never_finishes_its_request_does_not_delay_a_stop(
    tmp_path: Path,
) -> None:
    path = tmp_path / "api.sock"
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX) as client:
        async with serving(NOBODY, path):
            client.connect(str(path))
            client.sendall(b"PUT /v1/handover HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
            await asyncio.sleep(0.1)
            begun = loop.time()
        assert loop.time() - begun < 5.0


async def test_a_stop_leaves_a_file_that_replaced_the_socket(tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    async with serving(NOBODY, path):
        path.unlink()
        path.write_text("keep me")
    assert path.read_text() == "keep me"


async def test_a_directory_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"api\.unix: No such file"):
        await serve_once(tmp_path / "missing" / "api.sock")


async def ask(path: Path, route: str) -> str:
    """Send a request; return the first line of the answer, empty if there is no answer."""
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(f"GET {route} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    try:
        return (await reader.readline()).decode().strip()
    finally:
        writer.close()
        await writer.wait_closed()


async def test_one_client_too_many_that_waits_for_events_is_refused(tmp_path: Path) -> None:
    """All waiting clients get the event. A client that does not wait is always answered."""
    path, recorder = tmp_path / "api.sock", Recorder()
    async with serving(director_with(recorder=recorder), path):
        asked = [asyncio.create_task(ask(path, "/v1/events?wait=25")) for _ in range(33)]
        refused, waiting = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        assert [each.result() for each in refused] == ["HTTP/1.1 503 Service Unavailable"]
        assert await ask(path, "/v1/events") == "HTTP/1.1 200 OK"
        recorder.note("quorum_lost", virtual_server="web")
        assert set(await asyncio.gather(*waiting)) == {"HTTP/1.1 200 OK"}


@pytest.mark.parametrize("query", ["after=-1", "after=x", "wait=26", "wait=nan", "until=3"])
async def test_a_query_for_events_with_a_wrong_parameter_is_refused(
    tmp_path: Path, query: str
) -> None:
    path = tmp_path / "api.sock"
    async with serving(NOBODY, path):
        assert await ask(path, f"/v1/events?{query}") == "HTTP/1.1 400 Bad Request"


class Waited(Recorder):
    """Counts the clients that wait for events."""

    def __init__(self) -> None:
        super().__init__()
        self.somebody_waits = asyncio.Event()

    async def after(self, number: int, seconds: float) -> Page:
        self.somebody_waits.set()
        return await super().after(number, seconds)


async def test_a_client_that_waits_for_events_does_not_delay_a_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without care, a stop would last until the client's wait ends."""
    monkeypatch.setattr(server, "SHUTDOWN_SECONDS", 3600.0)
    path, recorder = tmp_path / "api.sock", Waited()
    async with serving(director_with(recorder=recorder), path):
        waiting = asyncio.create_task(ask(path, "/v1/events?wait=25"))
        await recorder.somebody_waits.wait()
    assert await waiting == ""
