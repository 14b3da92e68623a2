"""Opens stream connections from a child process to the director, without a path in the file system.

The child makes both ends of a connection and passes one of them through the doorway, a socketpair
that it inherits (SCM_RIGHTS, unix(7)). No other process can open such a connection, so a message on
it needs no further proof.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable

_KNOCK = b"c"


class Doorway:
    """The end of the director. ``handle`` gets each connection as a socket that does not block."""

    def __init__(self, end: socket.socket, handle: Callable[[socket.socket], None]) -> None:
        end.setblocking(False)
        self._end = end
        self._handle = handle
        asyncio.get_running_loop().add_reader(end, self._receive)

    def close(self) -> None:
        """Receive no further connections. The open ones stay."""
        if self._end.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._end)
            self._end.close()

    def _receive(self) -> None:
        try:
            message, descriptors, _, _ = socket.recv_fds(self._end, len(_KNOCK), 1)
        except BlockingIOError:
            return
        except OSError:  # no descriptor is free here: the child sees a closed connection
            return
        if not message:
            self.close()
        for descriptor in descriptors:
            connection = socket.socket(fileno=descriptor)
            connection.setblocking(False)
            self._handle(connection)


def pair() -> tuple[socket.socket, socket.socket]:
    """Return both ends of a doorway."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def open_connection(end: socket.socket) -> socket.socket:
    """Open a connection to the director. Raises OSError.

    ``end`` is the child's end of the doorway, a socket that does not block.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with contextlib.ExitStack() as undo:
        undo.callback(ours.close)
        with theirs:
            socket.send_fds(end, [_KNOCK], [theirs.fileno()])
        ours.setblocking(False)
        undo.pop_all()
    return ours
