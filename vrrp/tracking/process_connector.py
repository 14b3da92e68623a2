"""The socket on which the kernel reports that processes start, end and change (cn_proc.c)."""

from __future__ import annotations

import errno
import os
import select
import socket
import time
from contextlib import suppress
from typing import Final

from vrrp.tracking.process_events import (
    CONNECTOR_GROUP,
    Acknowledgement,
    Event,
    listen_message,
    parse,
)

NETLINK_CONNECTOR: Final = 11  # linux/netlink.h
RECEIVE_BYTES: Final = 4 * 1024 * 1024
"""Room for about 5000 events. At an overrun, the kernel drops events and reports ENOBUFS."""
BATCH_MAX: Final = 1000
"""Most events that `receive` returns at once."""
ANSWER_SECONDS: Final = 1.0

_SO_RCVBUFFORCE: Final = 33  # asm-generic/socket.h; the socket module of Python 3.11 lacks it
_MESSAGE_BYTES_MAX: Final = 4096


class ConnectorError(Exception):
    """The kernel does not report events to this process. The message is the reason."""


class OverrunError(Exception):
    """The kernel has dropped events."""


class ProcessConnector:
    """Receives the events of all processes of the host.

    Needs the initial PID namespace and the initial network namespace, and before Linux 6.6
    CAP_NET_ADMIN in the initial user namespace. Blocks up to a second for the answer of the kernel.
    Raises ConnectorError.
    """

    def __init__(self) -> None:
        try:
            self._socket = socket.socket(
                socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, NETLINK_CONNECTOR
            )
        except OSError as error:
            raise ConnectorError(
                f"the kernel has no process connector: {error.strerror}"
            ) from error
        try:
            self._subscribe()
        except OSError as error:
            self.close()
            raise ConnectorError(f"the kernel refuses process events: {error.strerror}") from error
        except ConnectorError:
            self.close()
            raise

    def fileno(self) -> int:
        """Return the descriptor, which is readable when events wait."""
        return self._socket.fileno()

    def close(self) -> None:
        """Close the socket. The kernel then reports no further events."""
        self._socket.close()

    def receive(self) -> list[Event]:
        """Return the waiting events, at most `BATCH_MAX`. Raises OverrunError and OSError."""
        events = []
        with suppress(BlockingIOError):
            for _ in range(BATCH_MAX):
                event = self._receive()
                if event is not None and not isinstance(event, Acknowledgement):
                    events.append(event)
        return events

    def discard(self) -> None:
        """Discard the waiting events, up to `RECEIVE_BYTES`."""
        for _ in range(RECEIVE_BYTES // 256):
            try:
                self._receive()
            except BlockingIOError:
                return
            except OverrunError:
                continue

    def _subscribe(self) -> None:
        self._socket.setblocking(False)
        with suppress(OSError):  # the default buffer is smaller and works too
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BYTES)
        self._socket.bind((0, CONNECTOR_GROUP))
        self._socket.sendto(listen_message(), (0, 0))
        answer = self._wait_for_answer()
        if answer is None:
            raise ConnectorError("the kernel reports no process events to this PID namespace")
        if answer.error:
            raise OSError(answer.error, os.strerror(answer.error))

    def _wait_for_answer(self) -> Acknowledgement | None:
        """Return the answer of the kernel; None if it gives none."""
        waiting = select.poll()
        waiting.register(self._socket, select.POLLIN)
        until = time.monotonic() + ANSWER_SECONDS
        while (left := until - time.monotonic()) > 0:
            waiting.poll(left * 1000)
            with suppress(BlockingIOError, OverrunError):
                answer = self._receive()
                if isinstance(answer, Acknowledgement):
                    return answer
        return None

    def _receive(self) -> Event | Acknowledgement | None:
        try:
            message, (port, _) = self._socket.recvfrom(_MESSAGE_BYTES_MAX)
        except OSError as error:
            if error.errno == errno.ENOBUFS:
                raise OverrunError from error
            raise
        return parse(message) if port == 0 else None  # other processes may send to the group too
