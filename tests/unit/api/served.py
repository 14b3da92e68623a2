"""A director of the test behind the real API, on a Unix socket in a temporary directory."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

from hadirector.api.server import serving
from hadirector.dataplane.dry_run import DryRunDataplane
from hadirector.director.configurations.file import ConfigurationFile
from hadirector.director.director import Director
from hadirector.events.recorder import Recorder
from hadirector.model.configuration import ApiRoles, Configuration, RealServer
from hadirector.model.ipvs import DestinationKey, Protocol, ServiceKey
from tests.builders import a_configuration, a_virtual_server

NO_GROUPS = ApiRoles()
MAIL = ServiceKey(Protocol.TCP, "192.0.2.10", 25)


class Answer(NamedTuple):
    """An answer: its status, its headers with names in lower case, and its decoded content."""

    status: int
    headers: dict[str, str]
    content: Any

    @property
    def code(self) -> str:
        """The code of a problem."""
        assert self.headers["content-type"] == "application/problem+json"
        return str(self.content["code"])


class Served:
    """Requests to the API at a socket."""

    def __init__(self, path: Path, director: Director) -> None:
        self.path = path
        self.director = director

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Send one request on a connection of its own."""
        content = b"" if body is None else body if isinstance(body, bytes) else _encode(body)
        lines = [f"{method} {path} HTTP/1.1", "Host: x", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        if body is not None:
            lines.append(f"Content-Length: {len(content)}")
        return await self.send("\r\n".join([*lines, "", ""]).encode() + content)

    async def send(self, raw: bytes) -> Answer:
        """Send these bytes, and read until the director closes the connection."""
        reader, writer = await asyncio.open_unix_connection(self.path)
        try:
            writer.write(raw)
            async with asyncio.timeout(10.0):
                return parse(await reader.read())
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


def _encode(body: object) -> bytes:
    return json.dumps(body).encode()


def parse(answer: bytes) -> Answer:
    head, _, content = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {line.split(":", 1)[0].lower(): line.split(":", 1)[1].strip() for line in lines}
    is_json = "json" in headers.get("content-type", "") and bool(content)
    return Answer(int(first.split()[1]), headers, json.loads(content) if is_json else content)


def two_pools(directory: Path, **fields: Any) -> Configuration:
    """Return "web" with two real servers and "mail" with a real server on the same host."""
    members = [
        RealServer(key=DestinationKey(address, 80), weight=1)
        for address in ("10.0.0.1", "10.0.0.2")
    ]
    mail = RealServer(key=DestinationKey("10.0.0.2", 25), weight=1)
    return a_configuration(
        a_virtual_server(*members),
        a_virtual_server(mail, name="mail", keys=(MAIL,)),
        runtime_directory=str(directory),
        state_directory=str(directory),
        **fields,
    )


@contextlib.asynccontextmanager
async def serve(
    directory: Path, configuration: Configuration | None = None, roles: ApiRoles = NO_GROUPS
) -> AsyncIterator[Served]:
    """Serve a director that does not run: it only answers requests."""
    configuration = configuration or two_pools(directory)
    recorder = Recorder()
    file = ConfigurationFile(directory / "hadirector.yaml")
    director = Director(file, configuration, DryRunDataplane(), recorder)
    path = directory / "api.sock"
    async with serving(director, path, roles):
        yield Served(path, director)


def nobody() -> Director:
    """Return a director that answers no request."""
    return cast("Director", SimpleNamespace())
