"""The lab's web server: as much HTTP as probes, relays and curl need."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from hadirector.demo.web import answer


def test_healthz_returns_ok_and_any_other_path_the_name() -> None:
    """GET /healthz returns ok, every other path the name. The connection stays open."""
    response, keep = answer(b"GET /healthz?deep=1 HTTP/1.1\r\nHost: x", "web1")
    assert response == (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n"
        b"Connection: keep-alive\r\n\r\nok\n"
    )
    assert keep
    assert answer(b"GET /any/path HTTP/1.1", "web1")[0].endswith(b"\r\n\r\nweb1\n")


@pytest.mark.parametrize(
    ("head", "keep"),
    [
        (b"GET / HTTP/1.1", True),
        (b"GET / HTTP/1.1\r\nConnection: Close", False),
        (b"GET / HTTP/1.0", False),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive", True),
        (b"GET / HTTP/1.1\r\nContent-Length: 5", False),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked", False),
    ],
)
def test_the_connection_stays_open_where_http_requires_it(head: bytes, keep: bool) -> None:
    """Version and Connection decide (RFC 9112 9.3).

    After a body that is not read the connection is closed.
    """
    response, kept = answer(head, "web1")
    assert kept is keep
    assert response.startswith(b"HTTP/1.1 200 OK\r\n")
    assert (b"\r\nConnection: keep-alive\r\n" in response) is keep


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST / HTTP/1.1", b"405"),
        (b"", b"400"),
        (b"GET /", b"400"),
        (b"GET / FTP/1.0", b"400"),
        (b"\xff\x00 \x01", b"400"),
    ],
)
def test_a_request_other_than_get_is_refused_and_the_connection_closed(
    head: bytes, status: bytes
) -> None:
    """Other methods get 405 and malformed requests 400; then the connection is closed."""
    response, keep = answer(head, "web1")
    assert response[9:12] == status
    assert b"\r\nConnection: close\r\n" in response
    assert not keep


@pytest.fixture
def server() -> Iterator[tuple[subprocess.Popen[str], tuple[str, int]]]:
    """A running web server and its address on loopback."""
    with socket.create_server(("127.0.9.1", 0)) as probe:
        place: tuple[str, int] = probe.getsockname()
    arguments = ["--address", place[0], "--port", str(place[1]), "--name", "web1"]
    with subprocess.Popen(
        [sys.executable, "-m", "hadirector.demo.web", *arguments], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process, place
        process.kill()


def test_one_connection_carries_requests_one_after_another(
    server: tuple[subprocess.Popen[str], tuple[str, int]],
) -> None:
    """Two requests in one packet and one request in two packets are answered before the close."""
    _, place = server
    with socket.create_connection(place, 5.0) as connection:
        connection.sendall(b"GET /1 HTTP/1.1\r\n\r\nGET /healthz HTTP/1.1\r\n\r\nGET /3")
        received = b""
        while not received.endswith(b"ok\n"):
            received += connection.recv(4096)
        connection.sendall(b" HTTP/1.1\r\nConnection: close\r\n\r\n")
        received += b"".join(iter(lambda: connection.recv(4096), b""))
    assert [part.split(b"\r\n\r\n")[1] for part in received.split(b"HTTP/1.1 ")[1:]] == [
        b"web1\n",
        b"ok\n",
        b"web1\n",
    ]


def test_an_endless_head_is_cut_off(
    server: tuple[subprocess.Popen[str], tuple[str, int]],
) -> None:
    """A head over 16 KiB gets 431, and the connection is closed."""
    _, place = server
    with socket.create_connection(place, 5.0) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX: " + b"x" * (16 * 1024))
        assert connection.recv(4096)[9:12] == b"431"


def test_sigterm_ends_it_cleanly(
    server: tuple[subprocess.Popen[str], tuple[str, int]],
) -> None:
    """SIGTERM ends the server with status 0 although a connection is open."""
    process, place = server
    with socket.create_connection(place, 5.0):
        process.terminate()
        assert process.wait(5.0) == 0
