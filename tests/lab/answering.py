"""Servers that answer with the name of their host, and their clients.

All of them are sockets of the test's own process: a socket belongs to the namespace in which it was
made, so the hosts need no process.
"""

from __future__ import annotations

import re
import selectors
import socket
import struct
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from hadirector.lab.topology import Host
from tests.lab.namespaces import inside

WAIT_SECONDS = 3.0


class Answering:
    """Answers every connection and datagram with the name of the host that received it."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._names: dict[socket.socket, bytes] = {}
        self._held_ports: set[int] = set()
        self._held: list[socket.socket] = []
        self._ending, self._end = socket.socketpair()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        """Start to answer."""
        self._selector.register(self._ending, selectors.EVENT_READ)
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Stop the thread and close all sockets."""
        self._end.close()
        self._thread.join()
        for each in (*self._names, *self._held, self._ending):
            each.close()

    def listen(
        self,
        host: Host,
        ports: Sequence[int],
        kind: socket.SocketKind = socket.SOCK_STREAM,
        protocol: int = 0,
    ) -> None:
        """Answer at these ports of a host, on all its addresses of both families."""
        with inside(host):
            for port in ports:
                made = socket.socket(socket.AF_INET6, kind, protocol)
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
                made.bind(("::", port))  # on virtual addresses too
                if kind is socket.SOCK_STREAM:
                    made.listen()
                self._names[made] = host.name.encode()
                self._selector.register(made, selectors.EVENT_READ)

    def hold(self, port: int) -> None:
        """Keep the connections to a port open until the end."""
        self._held_ports.add(port)

    def _serve(self) -> None:
        while True:
            for key, _ in self._selector.select():
                ready = key.fileobj
                if ready is self._ending:
                    return
                assert isinstance(ready, socket.socket)
                self._answer(ready)

    def _answer(self, ready: socket.socket) -> None:
        if ready.type == socket.SOCK_DGRAM:
            _, client = ready.recvfrom(2048)
            ready.sendto(self._names[ready], client)
            return
        accepted, _ = ready.accept()
        accepted.sendall(self._names[ready])
        if ready.getsockname()[1] in self._held_ports:
            self._held.append(accepted)
        else:
            accepted.close()


def connect(
    client: Host, source: str, address: str, port: int, protocol: int = socket.IPPROTO_TCP
) -> socket.socket:
    """Return a new connection from one of a client's addresses."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with inside(client):
        made = socket.socket(family, socket.SOCK_STREAM, protocol)
    try:
        made.settimeout(WAIT_SECONDS)
        made.bind((source, 0))
        made.connect((address, port))
    except OSError:
        made.close()
        raise
    return made


def reset(connection: socket.socket) -> None:
    """Close a connection with a reset: no side waits for the other (SO_LINGER, socket(7))."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def answer(
    client: Host, source: str, address: str, port: int, protocol: int = socket.IPPROTO_TCP
) -> str:
    """Connect once; return the name of the host that answered."""
    with connect(client, source, address, port, protocol) as made:
        return made.recv(100).decode()


def datagrams(
    client: Host, source: str, address: str, port: int, contents: Sequence[bytes]
) -> list[str]:
    """Send datagrams from one port, one after the other; return the host that answered each."""
    with inside(client):
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with made:
        made.settimeout(WAIT_SECONDS)
        made.bind((source, 0))
        answers = []
        for content in contents:
            made.sendto(content, (address, port))
            answers.append(made.recv(100).decode())
        return answers


def answers(client: Host, address: str) -> bool:
    """Return whether a host answers a TCP segment for an address, with a reset."""
    try:
        with inside(client):
            socket.create_connection((address, 9), timeout=WAIT_SECONDS)
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    raise AssertionError("no process may listen on the port discard")


def neighbor_mac(client: Host, address: str) -> str:
    """Return the MAC that a client knows for an address, or an empty text."""
    found = re.search(r"lladdr (\S+)", client.run("ip", "neighbor", "show", address).stdout)
    return found[1] if found else ""
