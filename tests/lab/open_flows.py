"""A server that echoes lines with its name, and a client with many open connections to it.

``python -m tests.lab.open_flows serve NAME PORT`` and ``... hold ADDRESS PORT COUNT SECONDS
[NEW_SECONDS]``. The client sends a line over every connection again after ``SECONDS``, and opens a
new connection every 100 ms. It runs until its standard input ends, and then prints a JSON object
with the figures.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from time import monotonic

ANSWER_SECONDS = 10.0
NEW_SECONDS = 0.1


async def serve(name: str, port: int) -> None:
    """Answer each line with the name."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while await reader.readline():
                writer.write(f"{name}\n".encode())
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, None, port, backlog=512)
    print("ready", flush=True)
    await server.serve_forever()


class Flows:
    """The figures of all connections."""

    def __init__(self, address: str, port: int, pause: float, new: float) -> None:
        self._place = (address, port)
        self._pause, self._new = pause, new
        self.broken: list[str] = []
        self.lost: list[str] = []
        self.servers: set[str] = set()
        self.worst = 0.0
        self.answers = 0
        self.ended = asyncio.Event()

    async def hold(self, opened: asyncio.Semaphore) -> None:
        """Keep one connection open. Every answer must come from the same server."""
        try:
            try:
                reader, writer = await asyncio.open_connection(*self._place)
                first = await self._ask(reader, writer)
            finally:
                opened.release()
            while not self.ended.is_set():
                await asyncio.sleep(self._pause)
                name = await self._ask(reader, writer)
                if name != first:
                    raise ConnectionError(f"{first} became {name or 'closed'}")
            writer.close()
        except (OSError, TimeoutError) as error:
            self.broken.append(repr(error))

    async def open_new(self) -> None:
        """Open one connection after the other."""
        while not self.ended.is_set():
            try:
                reader, writer = await asyncio.open_connection(*self._place)
                await self._ask(reader, writer)
                writer.close()
            except (OSError, TimeoutError) as error:
                self.lost.append(repr(error))
            await asyncio.sleep(self._new)

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        began = monotonic()
        writer.write(b"?\n")
        async with asyncio.timeout(ANSWER_SECONDS):
            name = (await reader.readline()).decode().strip()
        if not name:
            raise ConnectionError("closed by the server")
        self.worst = max(self.worst, monotonic() - began)
        self.answers += 1
        self.servers.add(name)
        return name


async def hold(address: str, port: int, count: int, pause: float, new: float = NEW_SECONDS) -> None:
    """Hold connections until the standard input ends, and print the figures."""
    flows = Flows(address, port, pause, new)
    opened = asyncio.Semaphore(0)
    tasks = []
    for _ in range(count):
        tasks.append(asyncio.create_task(flows.hold(opened)))
        await asyncio.sleep(0.01)
    for _ in range(count):
        await opened.acquire()
    print("open", flush=True)
    tasks.append(asyncio.create_task(flows.open_new()))
    await asyncio.to_thread(sys.stdin.read)
    flows.ended.set()
    await asyncio.gather(*tasks)
    figures = {
        "broken": flows.broken,
        "lost": flows.lost,
        "servers": sorted(flows.servers),
        "worst": flows.worst,
        "answers": flows.answers,
    }
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        asyncio.run(serve(sys.argv[2], int(sys.argv[3])))
    else:
        place = (sys.argv[2], int(sys.argv[3]))
        asyncio.run(hold(*place, int(sys.argv[4]), *map(float, sys.argv[5:])))
