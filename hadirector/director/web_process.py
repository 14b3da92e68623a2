"""Runs the web process: binds its port, reads its files, and restarts it with new settings.

The director opens the port and the files, so the process needs no rights of its own. The port stays
open while the process is restarted after a crash, and new clients wait in its queue.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Final

import structlog

from hadirector.director.web_files import WebFiles, read_files
from hadirector.model.configuration import Configuration
from hadirector.model.web import WebSettings
from hadirector.processes import doorway
from hadirector.processes.doorway import Doorway
from hadirector.processes.messages import ConfigureWeb, FromWeb, Stop
from hadirector.processes.supervisor import Child

BACKLOG: Final = 256
LISTEN_PAUSE_SECONDS: Final = 5.0
FILES_SECONDS: Final = 1.0
"""The time between two looks at the files."""

HandleConnection = Callable[[socket.socket], None]


class WebProcess:
    """Runs the web process while the configuration has one.

    ``handle_connection`` gets the connections of the process to the API. ``put_message`` is awaited
    with the messages of the process.
    """

    name = "web"

    def __init__(
        self, configuration: Configuration, put_message: Callable[[Any], Awaitable[None]]
    ) -> None:
        self.child: Child[FromWeb] | None = None
        self.handle_connection: HandleConnection = socket.socket.close
        self._configuration = configuration
        self._put_message = put_message
        self._doorway: Doorway | None = None
        self._files: WebFiles | None = None
        self._changed = asyncio.Event()
        self._stopping = False
        self._failure: tuple[str, str] | None = None  # why the port is not open
        self._log = structlog.get_logger()

    def configure(self, configuration: Configuration) -> None:
        """Run with the settings of this configuration, and read its files again."""
        self._configuration = configuration
        self._changed.set()

    async def run(self) -> None:
        """Run the process, whenever the configuration has one, until `stop`."""
        while not self._stopping:
            self._changed.clear()
            settings = self._configuration.web
            if settings is None:
                await self._changed.wait()
                continue
            listening = self._listen(settings)
            if listening is None:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LISTEN_PAUSE_SECONDS):
                        await self._changed.wait()
                continue
            with listening:
                await self._run_child(settings, listening)

    def stop(self) -> None:
        """Order the process to exit; then `run` returns."""
        self._stopping = True
        self._changed.set()

    def kill(self) -> None:
        """End the process with SIGKILL."""
        if self.child is not None:
            self.child.kill()

    def send_settings(self) -> None:
        """Send the settings and the files to a process that has just started."""
        settings = self._configuration.web
        if self.child is None or settings is None or self._files is None:
            return
        names = (self._configuration.name, socket.gethostname())
        self.child.send(ConfigureWeb(settings, names, **self._files.contents))

    def _listen(self, settings: WebSettings) -> socket.socket | None:
        """Open the port, or log why it cannot be opened and return None."""
        family = socket.AF_INET6 if ":" in settings.address else socket.AF_INET
        listening = socket.socket(family, socket.SOCK_STREAM)
        try:
            # SO_REUSEADDR: connections of an earlier process may still be closing.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:  # [::] is for IPv4 as well
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            listening.bind((settings.address, settings.port))
            listening.listen(BACKLOG)
        except OSError as error:
            listening.close()
            self._fail(settings, os.strerror(error.errno or 0))
            return None
        listening.setblocking(False)
        self._failure = None
        self._log.info("web_port_opened", listen=settings.where)
        return listening

    def _fail(self, settings: WebSettings, reason: str) -> None:
        """Log why the port cannot be opened, unless that has been logged already."""
        if (settings.where, reason) != self._failure:
            self._log.error("web_port_not_opened", listen=settings.where, reason=reason)
        self._failure = settings.where, reason

    async def _run_child(self, settings: WebSettings, listening: socket.socket) -> None:
        """Run the process until it needs another port or user, or shall not run any longer."""
        self._files = await asyncio.to_thread(read_files, settings)
        child: Child[FromWeb] = Child(
            self.name,
            "hadirector.web.process",
            FromWeb,
            self._put_message,
            lambda: self._inheritance(listening),
        )
        self.child = child
        running = asyncio.create_task(child.run(), name=self.name)
        try:
            await self._follow(settings)
            child.stop(Stop())
            await running
        finally:
            running.cancel()
            self.child = None
            if self._doorway is not None:
                self._doorway.close()

    async def _follow(self, started_with: WebSettings) -> None:
        """Send changed settings and files to the process, until it has to be replaced."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FILES_SECONDS):
                    await self._changed.wait()
            settings = self._configuration.web
            if self._stopping or settings is None or _needs_another(started_with, settings):
                return
            files = await asyncio.to_thread(read_files, settings, self._files)
            if files is not self._files or self._changed.is_set():
                self._changed.clear()
                self._files = files
                self.send_settings()

    def _handle(self, connection: socket.socket) -> None:
        self.handle_connection(connection)

    @contextlib.contextmanager
    def _inheritance(self, listening: socket.socket) -> Iterator[Sequence[int]]:
        """Return the descriptors of the doorway and of the port for a new process."""
        if self._doorway is not None:
            self._doorway.close()
        ours, theirs = doorway.pair()
        self._doorway = Doorway(ours, self._handle)
        with theirs:
            yield theirs.fileno(), listening.fileno()


def _needs_another(old: WebSettings, new: WebSettings) -> bool:
    """Return whether other settings need a new process."""
    return (old.address, old.port, old.user) != (new.address, new.port, new.user)
