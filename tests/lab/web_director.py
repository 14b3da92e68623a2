"""A director on loopback with a web process, and clients of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Self

import aiohttp

from hadirector.model.web import ROLES
from hadirector.web.tokens import Token, digest_of, format_tokens
from tests.lab.loopback import RunningDirector, WebServer, free_ports
from tests.waiting import eventually_async

CONFIGURATION = """\
director: {{name: lb1, dataplane: userspace, runtime_directory: {directory}/run}}
api:
  listen: 127.0.0.1:{port}
{api}
virtual_servers:
  - name: web
    address: 127.0.0.110:{service}
    scheduler: rr
    forwarding: nat
    check: {{type: tcp, interval: 200ms, timeout: 200ms, rise: 1, fall: 1}}
    real_servers:
      - {{address: 127.0.0.1:{real_server}}}
"""


class Site:
    """A director, its one real server, and the port of its web process.

    There are three tokens: read, operate and admin, with the roles of these names.
    """

    def __init__(self, directory: Path, api: str = "", scheme: str = "http") -> None:
        self.web_server = WebServer()
        self.port, self.service = free_ports(2)
        self.tokens = directory / "tokens"
        self.tokens.write_bytes(
            format_tokens([Token(role, role, digest_of(role)) for role in ROLES])
        )
        self.tokens.chmod(0o600)
        self.text = CONFIGURATION.format(
            directory=directory / "lb1",
            port=self.port,
            api=api or f"  tokens_file: {self.tokens}",
            service=self.service,
            real_server=self.web_server.port,
        )
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self.director = RunningDirector(directory / "lb1", self.text)

    @classmethod
    @contextlib.asynccontextmanager
    async def running(
        cls, directory: Path, api: str = "", scheme: str = "http"
    ) -> AsyncIterator[Self]:
        """Run a director during the context."""
        made = cls(directory, api, scheme)
        try:
            await made.started()
            yield made
        finally:
            made.end()

    async def started(self) -> None:
        """Wait until the director serves and the web process listens."""
        await eventually_async(self.director.answers, 20, threaded=True)
        await eventually_async(lambda: self.director.pid("web") is not None, 10, threaded=True)

    def end(self) -> None:
        self.director.end()
        self.web_server.kill()

    @contextlib.asynccontextmanager
    async def client(
        self, token: str = "", *, tls: ssl.SSLContext | None = None, **headers: str
    ) -> AsyncIterator[aiohttp.ClientSession]:
        """Return a client that sends this token with each request."""
        if token:
            headers["Authorization"] = f"Bearer {token}"
        # The end of a session aborts idle TLS connections. One that is closed after its answer
        # would wait for the closing of the server, and outlive the event loop.
        connector = aiohttp.TCPConnector(ssl=tls or True, force_close=tls is None)
        async with aiohttp.ClientSession(
            self.url, headers=headers, connector=connector, cookie_jar=aiohttp.DummyCookieJar()
        ) as session:
            yield session
        await asyncio.sleep(0)

    async def status_of(self, token: str, path: str = "/v1/status", **headers: str) -> int:
        """Return the status of the answer to a GET."""
        async with self.client(token) as client, client.get(path, headers=headers) as answer:
            return answer.status

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the log lines with this name."""
        lines = [json.loads(line) for line in self.director.log.splitlines() if line[:1] == "{"]
        return [line for line in lines if line.get("event") == name]
