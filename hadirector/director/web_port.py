"""A port of the web process. It stays open while the process is restarted."""

from __future__ import annotations

import os
import socket
from time import monotonic
from typing import Final, NamedTuple

import structlog

BACKLOG: Final = 256
LISTEN_PAUSE_SECONDS: Final = 5.0
"""The time between two attempts to open a port."""


class ListenAddress(NamedTuple):
    """Where a port listens. ``where`` is the address and the port as a text."""

    address: str
    port: int
    where: str


class WebPort:
    """A port that listens at the address of the latest call of ``follow``, if the kernel permits.

    ``socket`` is the listening socket; None while the port is closed.
    """

    def __init__(self) -> None:
        self.socket: socket.socket | None = None
        self._listens_at: ListenAddress | None = None
        self._next_attempt = 0.0
        self._failure: tuple[ListenAddress, str] | None = None
        self._log = structlog.get_logger()

    @property
    def open(self) -> bool:
        """Whether the port is open."""
        return self.socket is not None

    def follow(self, wanted: ListenAddress | None) -> bool:
        """Listen at this address, or nowhere; return whether the socket is another one now.

        An attempt that fails is logged once, and repeated by a later call.
        """
        if wanted == self._listens_at:
            return False
        was_open = self.open
        if was_open:
            self.close()
        if self._failure is not None and self._failure[0] != wanted:
            self._next_attempt = 0.0
        if wanted is not None and monotonic() >= self._next_attempt:
            self._try(wanted)
        return was_open or self.open

    def close(self) -> None:
        """Listen nowhere."""
        if self.socket is not None:
            self.socket.close()
        self.socket = self._listens_at = None

    def _try(self, wanted: ListenAddress) -> None:
        family = socket.AF_INET6 if ":" in wanted.address else socket.AF_INET
        listening = socket.socket(family, socket.SOCK_STREAM)
        try:
            # SO_REUSEADDR: connections of an earlier process may still be closing.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:  # [::] is for IPv4 as well
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            listening.bind((wanted.address, wanted.port))
            listening.listen(BACKLOG)
        except OSError as error:
            listening.close()
            self._fail(wanted, os.strerror(error.errno or 0))
            return
        listening.setblocking(False)
        self.socket, self._listens_at, self._failure = listening, wanted, None
        self._log.info("web_port_opened", listen=wanted.where)

    def _fail(self, wanted: ListenAddress, reason: str) -> None:
        """Log why the port cannot be opened, unless that has been logged already."""
        if self._failure != (wanted, reason):
            self._log.error("web_port_not_opened", listen=wanted.where, reason=reason)
        self._failure = wanted, reason
        self._next_attempt = monotonic() + LISTEN_PAUSE_SECONDS
