"""A server that answers every HTTP request with given bytes, however wrong they are."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence

PIECE_SECONDS = 0.05


class WrongServer:
    """A server on loopback that sends ``pieces`` to each client, with a pause between them.

    Without pieces, it is silent until the client gives up. ``requests`` has the first lines of the
    requests.
    """

    def __init__(self, pieces: Sequence[bytes] = (), tls: ssl.SSLContext | None = None) -> None:
        self.pieces = pieces
        self._tls = tls
        self.requests: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        """Stop, and wait for all connections."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._answer, args=(connection,))
            thread.start()
            self._threads.append(thread)

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(10.0)
        with contextlib.ExitStack() as stack:
            stack.enter_context(contextlib.suppress(OSError))
            stack.enter_context(connection)
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
                stack.enter_context(connection)
            text = connection.recv(65536)
            self.requests.append(text.split(b"\r\n")[0].decode())
            for piece in self.pieces:
                connection.sendall(piece)
                if len(self.pieces) > 1:
                    time.sleep(PIECE_SECONDS)
            if not self.pieces:
                while connection.recv(65536):  # until the client gives up
                    pass


@contextlib.contextmanager
def answering_wrongly(*pieces: bytes, tls: ssl.SSLContext | None = None) -> Iterator[WrongServer]:
    """Yield a server that sends these pieces."""
    server = WrongServer(pieces, tls)
    try:
        yield server
    finally:
        server.close()
