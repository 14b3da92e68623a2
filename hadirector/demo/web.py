"""A small web server that starts quickly: the real server of the demo and the lab.

``python -m hadirector.demo.web --address A --port P --name NAME`` answers ``GET /healthz`` with
``ok`` and any other path with its name. It prints ``ready`` when it listens, and SIGTERM ends it.
Each connection has a thread, because the import of asyncio takes 0.4 s in User-Mode Linux.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence

CONNECTION_LIMIT = 512
"""The number of concurrent connections; further connections wait in the listen queue."""

HEAD_LIMIT = 16 * 1024
"""The size of a request head in bytes; a longer head gets the status 431."""

IDLE_SECONDS = 30.0
"""A connection without data for this time is closed."""


def answer(head: bytes, name: str) -> tuple[bytes, bool]:
    """Return the response to a request, and whether the connection persists (RFC 9112 9.3).

    The argument is the head of the request.
    """
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        return _response("400 Bad Request", "bad request\n", keep=False), False
    fields = {
        key.strip().lower(): value.strip().lower()
        for key, colon, value in (line.partition(":") for line in lines[1:])
        if colon
    }
    if words[0] != "GET":
        return _response("405 Method Not Allowed", "only GET\n", keep=False), False
    connection = fields.get("connection", "")
    has_body = fields.get("content-length", "0") != "0" or "transfer-encoding" in fields
    persistent = connection == "keep-alive" if words[2] == "HTTP/1.0" else connection != "close"
    keep = persistent and not has_body
    body = "ok\n" if words[1].partition("?")[0] == "/healthz" else f"{name}\n"
    return _response("200 OK", body, keep=keep), keep


def _response(status: str, body: str, *, keep: bool) -> bytes:
    connection = "keep-alive" if keep else "close"
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body.encode())}"
    return f"{head}\r\nConnection: {connection}\r\n\r\n{body}".encode()


def listen(address: str, port: int) -> socket.socket:
    """Open the listening socket. Raises OSError if the address or port is not available."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.create_server((address, port), family=family, backlog=CONNECTION_LIMIT)


def serve(listener: socket.socket, name: str, delay: float) -> None:
    """Serve connections until the process ends, with ``delay`` seconds before each response."""
    slots = threading.BoundedSemaphore(CONNECTION_LIMIT)
    while True:
        slots.acquire()
        connection, _peer = listener.accept()
        threading.Thread(
            target=_serve_connection, args=(connection, name, delay, slots), daemon=True
        ).start()


def _serve_connection(
    connection: socket.socket, name: str, delay: float, slots: threading.BoundedSemaphore
) -> None:
    try:
        with connection:
            connection.settimeout(IDLE_SECONDS)
            _serve_requests(connection, name, delay)
    except OSError:
        pass  # the client has closed the connection, or sent nothing for 30 s
    finally:
        slots.release()


def _serve_requests(connection: socket.socket, name: str, delay: float) -> None:
    received = b""
    keep = True
    while keep:
        while b"\r\n\r\n" not in received:
            if len(received) > HEAD_LIMIT:
                text = "head too long\n"
                connection.sendall(
                    _response("431 Request Header Fields Too Large", text, keep=False)
                )
                return
            chunk = connection.recv(4096)
            if not chunk:
                return
            received += chunk
        head, _, received = received.partition(b"\r\n\r\n")
        response, keep = answer(head, name)
        if delay:
            time.sleep(delay)
        connection.sendall(response)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(
        prog="python -m hadirector.demo.web", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--name", required=True, help="the body of every answer")
    parser.add_argument("--delay", type=float, default=0.0, metavar="MS", help="before each answer")
    options = parser.parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    try:
        listener = listen(options.address, options.port)
    except OSError as error:
        print(f"cannot listen on {options.address} port {options.port}: {error}", file=sys.stderr)
        return 1
    print("ready", flush=True)
    serve(listener, options.name, options.delay / 1000)
    return 0


def _end(_number: int, _frame: object) -> None:
    """Exit at once: an exception from a signal handler could be caught by other code."""
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
