"""Accepts connections on a listening socket, and pauses while no descriptor is free.

``asyncio.Server`` retries a failed accept up to ``backlog`` times at once, with a traceback for
each (Python 3.11). This loop pauses instead, and logs the beginning and the end of a shortage.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from typing import Final

from hadirector.runtime.descriptors import EXHAUSTED
from hadirector.runtime.shortage import ShortageLog

ACCEPTS_PER_TURN: Final = 16
"""Connections that are accepted between two runs of the other tasks of the loop."""
EXHAUSTED_PAUSE_SECONDS: Final = 0.1
FULL_PAUSE_SECONDS: Final = 0.01


class Acceptor:
    """Accepts connections, and passes the non-blocking sockets to ``handle``.

    While ``admits`` returns False, connections wait in the queue of the kernel.
    """

    def __init__(
        self,
        listening: socket.socket,
        handle: Callable[[socket.socket], None],
        admits: Callable[[], bool] = lambda: True,
    ) -> None:
        self._socket = listening
        self._handle = handle
        self._admits = admits
        self._loop = asyncio.get_running_loop()
        self._pause: asyncio.TimerHandle | None = None
        self._shortage = ShortageLog(
            "connections_not_accepted", "connections_accepted_again", socket=_describe(listening)
        )
        self._loop.add_reader(listening, self._accept_some)

    def close(self) -> None:
        """Stop accepting and close the socket."""
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def accept(self) -> bool:
        """Accept one connection; return whether another one may wait."""
        if not self._admits():
            self._wait(FULL_PAUSE_SECONDS)
            return False
        try:
            client, _ = self._socket.accept()
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in EXHAUSTED:
                return True  # this connection failed in the queue (accept(2)); accept the others
            self._shortage.begin(os.strerror(error.errno or 0))
            self._wait(EXHAUSTED_PAUSE_SECONDS)
            return False
        self._shortage.end()
        client.setblocking(False)
        self._handle(client)
        return True

    def _accept_some(self) -> None:
        for _ in range(ACCEPTS_PER_TURN):
            if not self.accept():
                return

    def _wait(self, seconds: float) -> None:
        self._loop.remove_reader(self._socket)
        if self._pause is not None:
            self._pause.cancel()
        self._pause = self._loop.call_later(seconds, self._continue)

    def _continue(self) -> None:
        self._pause = None
        self._loop.add_reader(self._socket, self._accept_some)


def _describe(listening: socket.socket) -> str:
    """Return the address of a socket as a text."""
    name = listening.getsockname()
    return f"{name[0]}:{name[1]}" if isinstance(name, tuple) else str(name)
