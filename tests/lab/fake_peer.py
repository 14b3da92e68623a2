"""A peer that answers whatever a test tells it to, and a director on loopback that asks it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from hadirector.pair.state import PairState, encode
from tests.lab.loopback import RunningDirector, WebServer, free_ports
from tests.lab.paired_directors import make_certificate
from tests.waiting import eventually_async

OWN_ADDRESS: Final = "127.0.0.21"
PEER_ADDRESS: Final = "127.0.0.22"
CONFIGURATION: Final = """\
director: {{name: lb1, dataplane: userspace, log: json, runtime_directory: {directory}/lb1/run}}
pair:
  name: edge
  listen: {own}:{port}
  certificate: {directory}/lb1.pem
  key: {directory}/lb1.key
  peers:
    - {{name: lb2, address: "{peer}:{peer_port}", certificate: {directory}/lb2.pem}}
virtual_servers:
  - name: web
    address: 127.0.0.120:{service}
    scheduler: rr
    forwarding: nat
    check: {{type: tcp, interval: 200ms, timeout: 200ms, rise: 1, fall: 1}}
    real_servers: [{{address: "127.0.0.1:{real_server}"}}]
"""
Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]
GOOD: Final = PairState(pair="edge", name="lb2", incarnation="aa", generation=7)


def body(content: bytes, headers: str = "") -> Answer:
    """Return an answer with this content."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % len(content))
        writer.write(headers.encode() + b"\r\n" + content)

    return answer


def state(**changes: Any) -> Answer:
    """Return the answer with a good state, and these changes."""
    return body(encode(msgspec.structs.replace(GOOD, **changes)))


class FakePeer:
    """A TLS server at the address of lb2. ``answer`` writes the answer to each request.

    ``configuration`` writes the answer to a request for the configuration.
    """

    def __init__(self, directory: Path, port: int) -> None:
        self.answer: Answer = state()
        self.configuration: Answer = body(b'{"text":"one"}')
        self.requests = 0
        self._directory = directory
        self._port = port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self, identity: str = "lb2", trusted: str = "lb1") -> None:
        """Serve with the certificate of this name, for clients with another one."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate, key = (self._directory / f"{identity}.{end}" for end in ("pem", "key"))
        context.load_cert_chain(certificate, key)
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(self._directory / f"{trusted}.pem")
        self._server = await asyncio.start_server(
            self._serve, PEER_ADDRESS, self._port, ssl=context
        )

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for writer in self._writers:
                writer.transport.abort()
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.requests += 1
                wanted = self.configuration if b"/configuration " in head else self.answer
                await wanted(writer)
                await writer.drain()
                await asyncio.sleep(0.1)
        self._writers.discard(writer)
        writer.transport.abort()


class LinkedDirector:
    """A director with a pair link on loopback, and its fake peer."""

    def __init__(self, directory: Path) -> None:
        for name in ("lb1", "lb2", "other"):
            make_certificate(directory, name)
        self.directory = directory
        self.web_server = WebServer()
        self.port, peer_port, service = free_ports(3)
        self.peer = FakePeer(directory, peer_port)
        self.director = RunningDirector(
            directory / "lb1",
            CONFIGURATION.format(
                directory=directory,
                own=OWN_ADDRESS,
                port=self.port,
                peer=PEER_ADDRESS,
                peer_port=peer_port,
                service=service,
                real_server=self.web_server.port,
            ),
        )

    @classmethod
    @contextlib.asynccontextmanager
    async def running(cls, directory: Path) -> AsyncIterator[Self]:
        """Run the director during the context. The fake peer does not run yet."""
        made = cls(directory)
        try:
            await eventually_async(made.director.answers, 20, threaded=True)
            yield made
        finally:
            await made.peer.stop()
            made.director.end()
            made.web_server.kill()

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the log lines with this name."""
        lines = [json.loads(line) for line in self.director.log.splitlines() if line[:1] == "{"]
        return [line for line in lines if line.get("event") == name]

    async def wait_for(self, name: str, count: int = 1, seconds: float = 20.0) -> dict[str, Any]:
        """Wait for an event; return the latest one."""
        await eventually_async(lambda: len(self.events(name)) >= count, seconds, name)
        return self.events(name)[-1]

    async def refusal(self, answer: Answer) -> dict[str, Any]:
        """Let the peer answer this; return the event, after which it answers well again."""
        refused, reached = (
            len(self.events(f"pair_peer_{name}")) for name in ("refused", "reached")
        )
        self.peer.answer = answer
        event = await self.wait_for("pair_peer_refused", refused + 1)
        self.peer.answer = state()
        await self.wait_for("pair_peer_reached", reached + 1)
        return event
