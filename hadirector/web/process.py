"""The main program of the web process: gives up its rights, and serves until its channel ends."""

from __future__ import annotations

import asyncio
import selectors
import socket
from functools import partial
from typing import Any, Final

from aiohttp import web

from hadirector.api.protocol import ApiProtocol
from hadirector.processes.channel import Channel
from hadirector.processes.child import run_child
from hadirector.processes.messages import ConfigureWeb, Heartbeat, Stop, ToWeb
from hadirector.runtime.imports import complete
from hadirector.runtime.privileges import drop_privileges
from hadirector.web.access import Access
from hadirector.web.audit import Audit
from hadirector.web.clients import Clients
from hadirector.web.director import Director
from hadirector.web.events import Follower, Streams
from hadirector.web.pages import load_pages
from hadirector.web.service import Service
from hadirector.web.tls import TlsError, make_context
from hadirector.web.tokens import parse_tokens
from vrrp.model.report import Notice

NEEDED_LATER: Final = (
    *("ssl", "asyncio.sslproto", "hashlib", "hmac", "inspect"),
    *("concurrent.futures.thread", "encodings.idna"),
)
"""Modules that are otherwise loaded at their first use, which is too late for a process without
rights: its user may not be able to read the files of Python."""
HEARTBEAT_SECONDS: Final = 1.0
LINGERING_SECONDS: Final = 1.0
"""How long the rest of a refused body is read, so that the client can read its answer."""
FAULTS_MAX: Final = 10
"""Faults of the files in one report."""


class WebServer:
    """The parts of the process."""

    def __init__(self, channel: Channel[Any], director: Director, listening: socket.socket) -> None:
        self._channel = channel
        self._listening = listening
        self._access = Access()
        self.follower = Follower(director)
        self._service = Service(
            director, Streams(self.follower), self._access, Audit(channel.send), load_pages()
        )
        self._clients: Clients | None = None
        self._privileged = True

    def configure(self, message: ConfigureWeb) -> None:
        """Serve with these settings and files. Unusable files of TLS replace no usable ones."""
        faults = []
        if self._privileged:
            try:
                drop_privileges(message.settings.user)
            except KeyError:
                self._refuse([f"api.user: this host has no user {message.settings.user}"])
                return
            self._privileged = False
        tokens = parse_tokens(message.tokens or b"")
        if message.settings.tokens_file is not None:
            file = message.settings.tokens_file
            unreadable = () if message.tokens is not None else ("cannot be read",)
            faults += [f"{file}: {fault}" for fault in (*unreadable, *tokens.faults)]
        self._access.configure(message.settings, tokens.tokens)
        self._service.settings = message.settings
        self._service.names = frozenset(
            name.lower() for name in (*message.names, *message.settings.host_names)
        )
        try:
            context = make_context(message)
        except TlsError as error:
            faults.append(str(error))
        else:
            clients = self._accept()
            clients.context = context
        if faults:
            self._refuse(faults)

    def _refuse(self, faults: list[str]) -> None:
        text = "; ".join(faults[:FAULTS_MAX])
        self._channel.send(Notice("error", "web_files_refused", {"faults": text}))

    def close(self) -> None:
        """Close the connections of all clients."""
        if self._clients is not None:
            self._clients.close()

    def _accept(self) -> Clients:
        if self._clients is None:
            loop = asyncio.get_running_loop()
            server = web.Server(self._service.handle, handler_cancellation=True, loop=loop)
            start = partial(
                ApiProtocol,
                server,
                loop=loop,
                access_log=None,  # type: ignore[arg-type]  # aiohttp itself passes None
                lingering_time=LINGERING_SECONDS,
            )
            self._clients = self._service.clients = Clients(start, self._listening)
        return self._clients


async def serve(channel: Channel[ToWeb], doorway: socket.socket, listening: socket.socket) -> None:
    """Serve until the director stops this process or ends."""
    director = Director(doorway)
    server = WebServer(channel, director, listening)
    tasks = [
        asyncio.create_task(work) for work in (server.follower.run(), _send_heartbeats(channel))
    ]
    try:
        while True:
            match await channel.receive():
                case None | Stop():
                    return
                case ConfigureWeb() as message:
                    server.configure(message)
                case Heartbeat():
                    pass
    finally:
        for task in tasks:
            task.cancel()
        server.close()
        await director.close()


async def _send_heartbeats(channel: Channel[ToWeb]) -> None:
    while True:
        channel.send(Heartbeat(), droppable=True)
        await asyncio.sleep(HEARTBEAT_SECONDS)


def main(descriptor: int, doorway: int, listening: int) -> None:
    """Run the process over its end of the channel, the doorway and the port."""
    complete(NEEDED_LATER)
    run_child(
        descriptor,
        ToWeb,
        lambda channel: serve(
            channel, socket.socket(fileno=doorway), socket.socket(fileno=listening)
        ),
        selectors.EpollSelector(),
    )
