"""Listens for TCP connections to a service, and stops listening without losing a connection.

Closing a listening socket resets the connections in its queue. A listener that leaves therefore
first steers new connections to another socket with the same address and port (SO_REUSEPORT), which
its successor has opened in another process of the same user. It accepts connections for a while,
and then closes.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import ipaddress
import socket
import struct
from collections.abc import Callable

from hadirector.runtime.acceptor import Acceptor

BACKLOG = 1024
LINGER_SECONDS = 0.4
GROUP_MAX = 4

# linux/in.h, linux/in6.h and asm-generic/socket.h; the socket module does not name these.
IP_FREEBIND = 15
IPV6_FREEBIND = 78
SO_ATTACH_REUSEPORT_CBPF = 51
BPF_RET_K = 0x06


class Listener:
    """Accepts connections on an address and port, and passes them to ``handle``.

    The constructor raises OSError if it cannot listen.
    """

    def __init__(self, address: str, port: int, handle: Callable[[socket.socket], None]) -> None:
        self._handle = handle
        self._loop = asyncio.get_running_loop()
        self._socket = _listen(address, port)
        self._acceptor = Acceptor(self._socket, self._pass_on)
        self._leaving: asyncio.TimerHandle | None = None
        self._steered_to = 0

    @property
    def lingering(self) -> bool:
        """Whether the listener is leaving: from ``leave`` until ``stay`` or ``close``."""
        return self._leaving is not None

    @property
    def closed(self) -> bool:
        """Whether the socket has been closed."""
        return self._socket.fileno() < 0

    def leave(self) -> None:
        """Steer new connections to another listener, and close after ``LINGER_SECONDS``."""
        if not self.closed and not self.lingering:
            self._leaving = self._loop.call_later(LINGER_SECONDS, self.close)
            self._steer_elsewhere()

    def stay(self) -> None:
        """Cancel ``leave`` and continue to listen."""
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None

    def close(self) -> None:
        """Accept the connections in the queue, then close. Accepted connections continue."""
        if self.closed:
            return
        self.stay()
        for _ in range(BACKLOG):
            if not self._acceptor.accept():
                break
        self._acceptor.close()
        # Both refer to this object in a circle, which only the garbage collector would free.
        del self._acceptor, self._handle

    def _pass_on(self, client: socket.socket) -> None:
        if self.lingering:
            self._steer_elsewhere()
        self._handle(client)

    def _steer_elsewhere(self) -> None:
        """Attach a BPF program that selects the next socket of the group of listening sockets.

        The kernel does not show which member of the group this socket is. A connection that arrives
        here shows that the program selects this socket, or no member; without a member the kernel
        selects by hash. So each such connection moves the program to the next member, until
        connections arrive at another socket or all members were tried. The program is shared by
        the group, and the last listener that leaves sets it.
        """
        self._steered_to = (self._steered_to + 1) % GROUP_MAX
        instruction = ctypes.create_string_buffer(
            struct.pack("@HBBI", BPF_RET_K, 0, 0, self._steered_to)
        )
        program = struct.pack("@HP", 1, ctypes.addressof(instruction))
        # If a sandbox refuses the option, the kernel still selects by hash. Then only connections
        # that arrive at the moment of closing are lost.
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, program)


def _listen(address: str, port: int) -> socket.socket:
    """Bind and listen. The address need not be on an interface yet (IP_FREEBIND, ip(7))."""
    version6 = ipaddress.ip_address(address).version == 6
    listening = socket.socket(socket.AF_INET6 if version6 else socket.AF_INET)
    try:
        listening.setblocking(False)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if version6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listening.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
        else:
            listening.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
        listening.bind((address, port))
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening
