"""Runs the web process: opens its ports, reads its files, and restarts it with new settings.

The director opens the ports and the files, so the process needs no rights of its own. A port stays
open while the process is restarted after a crash, and new clients wait in its queue.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Final

from hadirector.director.web_files import WebFiles, read_files
from hadirector.director.web_port import ListenAddress, WebPort
from hadirector.model.configuration import Configuration
from hadirector.model.pair import Pair
from hadirector.model.web import WebSettings
from hadirector.processes import doorway
from hadirector.processes.doorway import Doorway
from hadirector.processes.messages import ConfigureWeb, FromWeb, RequestConfiguration, Stop
from hadirector.processes.supervisor import Child

FILES_SECONDS: Final = 1.0
"""The time between two looks at the files and at closed ports."""

HandleConnection = Callable[[socket.socket], None]


class WebProcess:
    """Runs the web process while the configuration has an API for other hosts, or a pair link.

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
        self._api_port, self._pair_port = WebPort(), WebPort()
        self._changed = asyncio.Event()
        self._stopping = False

    def configure(self, configuration: Configuration) -> None:
        """Run with the settings of this configuration, and read its files again."""
        self._configuration = configuration
        self._changed.set()

    async def run(self) -> None:
        """Run the process, whenever the configuration needs one, until `stop`."""
        while not self._stopping:
            self._changed.clear()
            self._open_ports()
            if self._api_port.open or self._pair_port.open:
                await self._run_child()
            elif _has_port(self._configuration):
                await self._wait_for_change(FILES_SECONDS)
            else:
                await self._changed.wait()
        self._api_port.close()
        self._pair_port.close()

    def stop(self) -> None:
        """Order the process to exit; then `run` returns."""
        self._stopping = True
        self._changed.set()

    def kill(self) -> None:
        """End the process with SIGKILL."""
        if self.child is not None:
            self.child.kill()

    def send(self, order: RequestConfiguration) -> bool:
        """Send an order to the process; return whether the process runs."""
        return self.child is not None and self.child.send(order)

    def send_settings(self) -> None:
        """Send the settings and the files to a process that has just started."""
        if self.child is None or self._files is None:
            return
        configuration = self._configuration
        names = (configuration.name, socket.gethostname())
        self.child.send(
            ConfigureWeb(configuration.web, names, pair=configuration.pair, **self._files.contents)
        )

    def _open_ports(self) -> bool:
        """Open and close ports as configured; return whether the process needs another socket."""
        changed = [
            self._api_port.follow(_listen_address(self._configuration.web)),
            self._pair_port.follow(_listen_address(self._configuration.pair)),
        ]
        return any(changed)

    async def _run_child(self) -> None:
        """Run the process until it needs another port or user, or shall not run any longer."""
        self._files = await asyncio.to_thread(
            read_files, self._configuration.web, self._configuration.pair
        )
        child: Child[FromWeb] = Child(
            self.name,
            "hadirector.web.process",
            FromWeb,
            self._put_message,
            self._inheritance,
        )
        self.child = child
        running = asyncio.create_task(child.run(), name=self.name)
        try:
            await self._follow(_user(self._configuration))
            child.stop(Stop())
            await running
        finally:
            running.cancel()
            self.child = None
            if self._doorway is not None:
                self._doorway.close()

    async def _follow(self, user: str | None) -> None:
        """Send changed settings and files to the process, until it has to be replaced."""
        while True:
            await self._wait_for_change(FILES_SECONDS)
            if self._stopping or self._open_ports() or _user(self._configuration) != user:
                return
            files = await asyncio.to_thread(
                read_files, self._configuration.web, self._configuration.pair, self._files
            )
            if files is not self._files or self._changed.is_set():
                self._changed.clear()
                self._files = files
                self.send_settings()

    async def _wait_for_change(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    def _handle(self, connection: socket.socket) -> None:
        self.handle_connection(connection)

    @contextlib.contextmanager
    def _inheritance(self) -> Iterator[Sequence[int]]:
        """Return the descriptors of the doorway and of the ports for a new process."""
        if self._doorway is not None:
            self._doorway.close()
        ours, theirs = doorway.pair()
        self._doorway = Doorway(ours, self._handle)
        with contextlib.ExitStack() as passed:
            passed.enter_context(theirs)
            # A socket that does not listen stands for a closed port.
            ports = [
                port.socket or passed.enter_context(socket.socket())
                for port in (self._api_port, self._pair_port)
            ]
            yield theirs.fileno(), *(port.fileno() for port in ports)


def _listen_address(settings: WebSettings | Pair | None) -> ListenAddress | None:
    if settings is None:
        return None
    return ListenAddress(settings.address, settings.port, settings.where)


def _has_port(configuration: Configuration) -> bool:
    return configuration.web is not None or configuration.pair is not None


def _user(configuration: Configuration) -> str | None:
    return None if configuration.web is None else configuration.web.user
