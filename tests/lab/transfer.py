"""A long transfer over one TCP connection that is checked byte by byte.

Both ends are sockets of the test's own process, made in the namespaces of their hosts.
"""

from __future__ import annotations

import hashlib
import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from hadirector.lab.topology import Host
from tests.lab.answering import connect, reset
from tests.lab.namespaces import inside

BLOCK_BYTES = 8 * 1024
PAUSE_SECONDS = 0.05
PATIENCE_SECONDS = 60.0
"""TCP sends a lost segment again after 0.2, 0.4, 0.8 ... seconds."""


class Transfer:
    """Pseudo-random bytes from a server to a client, until ``finish``."""

    def __init__(self, sending: socket.socket, receiving: socket.socket) -> None:
        self.received = 0
        self._finished = threading.Event()
        self._sent, self._taken = hashlib.sha256(), hashlib.sha256()
        for each in (sending, receiving):
            each.settimeout(PATIENCE_SECONDS)
        self._threads = (
            threading.Thread(target=self._send, args=(sending,)),
            threading.Thread(target=self._receive, args=(receiving,)),
        )
        for thread in self._threads:
            thread.start()

    def finish(self) -> bool:
        """End the transfer; return whether the received bytes are the sent ones."""
        self._finished.set()
        for thread in self._threads:
            thread.join()
        return self._taken.digest() == self._sent.digest()

    def _send(self, connection: socket.socket) -> None:
        content = random.Random(7)
        with connection:
            while not self._finished.wait(PAUSE_SECONDS):
                block = content.randbytes(BLOCK_BYTES)
                self._sent.update(block)
                connection.sendall(block)

    def _receive(self, connection: socket.socket) -> None:
        try:
            while block := connection.recv(BLOCK_BYTES):
                self._taken.update(block)
                self.received += len(block)
        finally:
            reset(connection)


@contextmanager
def transfer(
    server: Host, client: Host, source: str, address: str, port: int
) -> Iterator[Transfer]:
    """Run a transfer to an address that leads to the server during the block."""
    with inside(server):
        listener = socket.create_server(("", port))
    with listener:
        listener.settimeout(PATIENCE_SECONDS)
        receiving = connect(client, source, address, port)
        sending, _ = listener.accept()
    made = Transfer(sending, receiving)
    try:
        yield made
    finally:
        made.finish()
