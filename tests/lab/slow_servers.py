"""Servers that answer after 100 ms: ``python -m tests.lab.slow_servers``.

They listen on every address of this host and print their two ports: an agent that is up, and a web
server. The web server closes a connection without a request after 1.5 s.
"""

from __future__ import annotations

import asyncio
import contextlib

ANSWER_SECONDS = 0.1
PATIENCE_SECONDS = 1.5
BACKLOG = 4096

_REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


async def _report_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(ANSWER_SECONDS)
    with contextlib.suppress(ConnectionError):
        writer.write(b"up\n")
    writer.close()


async def _serve_web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, TimeoutError):
        await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_SECONDS)
        await asyncio.sleep(ANSWER_SECONDS)
        writer.write(_REPLY)
    writer.close()


async def main() -> None:
    """Serve until this process is killed."""
    servers = [
        await asyncio.start_server(handler, "0.0.0.0", 0, backlog=BACKLOG)
        for handler in (_report_up, _serve_web)
    ]
    print(*(server.sockets[0].getsockname()[1] for server in servers), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
