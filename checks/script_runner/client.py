"""Starts the script server of this process, and sends it requests.

The script server is a small child process that starts all scripts.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
from typing import Final

import msgspec

from checks.script_runner.request import Request

_SERVER: Final = (sys.executable, "-I", "-m", "checks.script_runner.server")
_SERVER_DESCRIPTOR: Final = 3


class ScriptServer:
    """The connection to the script server.

    The server starts with the first script, as process ``pid``.
    """

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self.pid = 0

    def submit(self, request: Request, caller: int, *descriptors: int) -> None:
        """Request the run of a script. The result, a `Finished`, arrives at the socket ``caller``.

        ``descriptors`` are for the output of the script, and then for its input, if it has one.

        If the other end of ``caller`` is closed, the script is killed. A server that has
        died is started again. Raises OSError.
        """
        data = msgspec.msgpack.encode(request)
        with contextlib.suppress(ConnectionError):
            socket.send_fds(self._socket or self._start(), [data], [caller, *descriptors])
            return
        self.close()
        socket.send_fds(self._start(), [data], [caller, *descriptors])

    def close(self) -> None:
        """End the script server, which kills all running scripts."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.pid, 0)

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.pid = os.posix_spawn(
                sys.executable,
                [*_SERVER, str(_SERVER_DESCRIPTOR)],
                os.environ,
                file_actions=[(os.POSIX_SPAWN_DUP2, theirs.fileno(), _SERVER_DESCRIPTOR)],
                # Signals to our process group must not end the server before the scripts.
                setsid=True,
                setsigmask=[],
                setsigdef=[signal.SIGTERM, signal.SIGINT, signal.SIGHUP],
            )
        ours.setblocking(False)
        self._socket = ours
        return ours


server: Final = ScriptServer()
"""One for the process."""
