"""The main program of the web process: gives up its rights, and serves until its channel ends."""

from __future__ import annotations

import asyncio
import selectors
import socket
from functools import partial
from typing import Any, Final

from aiohttp import web

from hadirector.api.protocol import ApiProtocol
from hadirector.model.web import WebSettings
from hadirector.processes.channel import Channel
from hadirector.processes.child import run_child, send_heartbeats
from hadirector.processes.messages import ConfigureWeb, Heartbeat, RequestConfiguration, Stop, ToWeb
from hadirector.runtime.imports import complete
from hadirector.runtime.privileges import drop_privileges
from hadirector.web.access import Access
from hadirector.web.audit import Audit
from hadirector.web.clients import Clients
from hadirector.web.director import Director
from hadirector.web.events import Follower, Streams
from hadirector.web.link.link import PairLink
from hadirector.web.pages import load_pages
from hadirector.web.past import record
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
LINGERING_SECONDS: Final = 1.0
"""How long the rest of a refused body is read, so that the client can read its answer."""
FAULTS_MAX: Final = 10
"""Faults of the files in one report."""


class WebServer:
    """The parts of the process."""

    def __init__(
        self,
        channel: Channel[Any],
        doorway: socket.socket,
        listening: socket.socket,
        pair_listening: socket.socket,
    ) -> None:
        self._channel = channel
        self._listening = listening
        self._access = Access()
        # The waiting requests of peers take no connection from the clients of the API.
        self._directors = director, link_director = Director(doorway), Director(doorway)
        self.link = PairLink(link_director, pair_listening, channel.send)
        self.follower = Follower(director)
        self._service = Service(
            director, Streams(self.follower), self._access, Audit(channel.send), load_pages()
        )
        self._clients: Clients | None = None
        self._recording: asyncio.Task[None] | None = None
        self._privileged = True

    def configure(self, message: ConfigureWeb) -> None:
        """Serve with these settings and files. Unusable files of TLS replace no usable ones."""
        user = None if message.settings is None else message.settings.user
        if self._privileged:
            try:
                drop_privileges(user)
            except KeyError:
                self._refuse([f"api.user: this host has no user {user}"])
                return
            self._privileged = False
        faults = self.link.configure(message.pair, message.pair_files)
        if message.settings is not None:
            faults += self._configure_api(message, message.settings)
        if faults:
            self._refuse(faults)

    def _configure_api(self, message: ConfigureWeb, settings: WebSettings) -> list[str]:
        """Serve the API with these settings; return the faults of the files."""
        faults = []
        tokens = parse_tokens(message.tokens or b"")
        if settings.tokens_file is not None:
            file = settings.tokens_file
            unreadable = () if message.tokens is not None else ("cannot be read",)
            faults += [f"{file}: {fault}" for fault in (*unreadable, *tokens.faults)]
        self._access.configure(settings, tokens.tokens)
        self._service.settings = settings
        self._service.names = frozenset(
            name.lower() for name in (*message.names, *settings.host_names)
        )
        try:
            context = make_context(message)
        except TlsError as error:
            faults.append(str(error))
        else:
            clients = self._accept()
            clients.context = context
        return faults

    def _refuse(self, faults: list[str]) -> None:
        text = "; ".join(faults[:FAULTS_MAX])
        self._channel.send(Notice("error", "web_files_refused", {"faults": text}))

    async def close(self) -> None:
        """Close the connections of all clients and peers, and to the director."""
        if self._clients is not None:
            self._clients.close()
        if self._recording is not None:
            self._recording.cancel()
        self.link.close()
        for director in self._directors:
            await director.close()

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
            self._recording = asyncio.create_task(record(self._service.past, self._service.cache))
        return self._clients


async def serve(
    channel: Channel[ToWeb],
    doorway: socket.socket,
    listening: socket.socket,
    pair_listening: socket.socket,
) -> None:
    """Serve until the director stops this process or ends.

    A port that is not open is a socket that does not listen.
    """
    server = WebServer(channel, doorway, listening, pair_listening)
    tasks = [
        asyncio.create_task(work) for work in (server.follower.run(), send_heartbeats(channel))
    ]
    try:
        while True:
            match await channel.receive():
                case None | Stop():
                    return
                case ConfigureWeb() as message:
                    server.configure(message)
                case RequestConfiguration() as order:
                    server.link.request_configuration(order.peer)
                case Heartbeat():
                    pass
    finally:
        for task in tasks:
            task.cancel()
        await server.close()


def main(descriptor: int, *descriptors: int) -> None:
    """Run the process over its end of the channel, the doorway and the two ports."""
    complete(NEEDED_LATER)
    run_child(
        descriptor,
        ToWeb,
        lambda channel: serve(channel, *(socket.socket(fileno=each) for each in descriptors)),
        selectors.EpollSelector(),
    )
