"""Divides connections between directors: a stand-in for a router with ECMP, without privileges.

``python -m hadirector.demo.divider --address A --port P --directors FILE`` accepts connections and
relays each of them to a director of FILE, which has an address per line. The address and port of
the client select the director by rendezvous hashing, as resilient ECMP does: if a director leaves,
only its connections move to another director. A director that refuses a connection is passed over.
The file is read for each new connection.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def order(directors: Sequence[str], client: str) -> list[str]:
    """Return the directors in the order in which a client tries them."""
    return sorted(
        directors, key=lambda director: hashlib.sha256(f"{director} {client}".encode()).digest()
    )


async def serve(address: str, port: int, read: Callable[[], list[str]]) -> None:
    """Divide the connections that arrive until the process ends. Raises OSError.

    ``read`` returns the addresses of the directors.
    """

    async def divide(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = "{} {}".format(*writer.get_extra_info("peername"))
        with contextlib.closing(writer):
            for director in order(read(), client):
                with contextlib.suppress(OSError):
                    await _relay((reader, writer), await asyncio.open_connection(director, port))
                    return

    server = await asyncio.start_server(divide, address, port, backlog=512)
    print("ready", flush=True)
    await server.serve_forever()


async def _relay(client: Streams, director: Streams) -> None:
    """Copy octets in both directions until one side ends, and close the director's side."""
    with contextlib.closing(director[1]):
        copies = [
            asyncio.create_task(_copy(client[0], director[1])),
            asyncio.create_task(_copy(director[0], client[1])),
        ]
        await asyncio.wait(copies, return_when=asyncio.FIRST_COMPLETED)
        for copy in copies:
            copy.cancel()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()


def main(arguments: Sequence[str] | None = None) -> int:
    """Divide connections until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m hadirector.demo.divider")
    parser.add_argument("--address", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--directors", type=Path, required=True, metavar="FILE")
    options = parser.parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
    file: Path = options.directors
    asyncio.run(
        serve(options.address, options.port, lambda: file.read_text(encoding="ascii").split())
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
