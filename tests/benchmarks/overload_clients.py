"""A thousand clients: ``python -m tests.benchmarks.overload_clients KIND PLACE``.

- ``api``: clients of the Unix socket at PLACE. A fifth of them is silent, drips a head, leaves a
  body half sent, does not read large answers, or waits for events.
- ``dataplane``: clients that drip bytes to the virtual server at PLACE, ADDRESS:PORT.
- ``web``: clients of the web process at PLACE by TLS, with the token "read": 1000 idle streams of
  events, 100 bodies half sent, 50 handshakes a second, and /metrics with all real servers each
  second.

The process runs with the lowest priority of the scheduler, since it stands for other machines.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import sys
from collections.abc import Callable, Coroutine
from typing import Final

NICENESS: Final = 19
CLIENTS: Final = 1000
HALF_BODIES, HANDSHAKES_PER_SECOND = 100, 50
START_SECONDS: Final = 4.0
"""The streams begin within this time, and the other clients within half of it."""
HOLD_SECONDS, PAUSE_SECONDS = 10.0, 1.0
PIECE_BYTES: Final = 65536

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[], Coroutine[None, None, Connection]]

_HEAD = b"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n"
_BODY = b"POST /v1/config/plan HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\nname"
_WAIT = b"GET /v1/events?after=9999999&wait=20 HTTP/1.1\r\nHost: x\r\n\r\n"
_DRIP = b"drip"
_TEXTS = (b"", _DRIP, _BODY, _HEAD * 3, _WAIT)


async def misuse(connect: Connect, text: bytes, delay: float) -> None:
    """Connect, send a text or drip bytes, read nothing, leave after 10 s, and begin again."""
    await asyncio.sleep(delay)
    while True:
        with contextlib.suppress(OSError):
            _, writer = await connect()
            writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket has it
            try:
                if text == _DRIP:
                    for _ in range(int(HOLD_SECONDS)):
                        writer.write(b"G")
                        await asyncio.sleep(1.0)
                else:
                    writer.write(text)
                    await asyncio.sleep(HOLD_SECONDS)
            finally:
                writer.transport.abort()
        await asyncio.sleep(PAUSE_SECONDS)


async def read_all(connect: Connect, text: bytes, pause: float, delay: float = 0.0) -> None:
    """Send a request, read to the end of the connection, and begin again after a pause."""
    await asyncio.sleep(delay)
    while True:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await connect()
            try:
                writer.write(text)
                while text and await reader.read(PIECE_BYTES):
                    pass
            finally:
                writer.transport.abort()
        await asyncio.sleep(pause)


def misusing(connect: Connect, texts: tuple[bytes, ...]) -> list[Coroutine[None, None, None]]:
    """Return a thousand clients that share the texts."""
    return [
        misuse(connect, texts[number % len(texts)], number * START_SECONDS / 2 / CLIENTS)
        for number in range(CLIENTS)
    ]


def web(connect: Connect, host: str) -> list[Coroutine[None, None, None]]:
    """Return the clients of the web process."""
    common = f"HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer read\r\nConnection: close\r\n"
    stream = f"GET /v1/events {common}Accept: text/event-stream\r\n\r\n".encode()
    body = f"POST /v1/reload {common}Content-Length: 1000\r\n\r\n{{".encode()
    metrics = f"GET /metrics?scope=real_servers {common}\r\n".encode()
    return [
        *(
            read_all(connect, stream, PAUSE_SECONDS, number * START_SECONDS / CLIENTS)
            for number in range(CLIENTS)
        ),
        *(misuse(connect, body, number / HALF_BODIES) for number in range(HALF_BODIES)),
        *(
            read_all(connect, b"", PAUSE_SECONDS, number / HANDSHAKES_PER_SECOND)
            for number in range(HANDSHAKES_PER_SECOND)
        ),
        read_all(connect, metrics, PAUSE_SECONDS),
    ]


async def main(kind: str, place: str) -> None:
    """Run the clients of a kind until this process is killed."""
    host, _, port = place.rpartition(":")
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE

    async def connect() -> Connection:
        match kind:
            case "api":
                return await asyncio.open_unix_connection(place)
            case "dataplane":
                return await asyncio.open_connection(host, int(port))
            case _:
                return await asyncio.open_connection(host, int(port), ssl=trusting)

    texts = {"api": _TEXTS, "dataplane": (_DRIP,)}
    clients = misusing(connect, texts[kind]) if kind in texts else web(connect, host)
    await asyncio.gather(*clients)


if __name__ == "__main__":
    os.nice(NICENESS)
    asyncio.run(main(*sys.argv[1:3]))
