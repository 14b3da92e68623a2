"""Reports the state of this process to the service manager that started it (sd_notify(3)).

The service manager is systemd or another program. It receives datagrams on the socket that
NOTIFY_SOCKET names. If its queue is full, a report is lost, because the director waits for nobody.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping, MutableMapping
from typing import Final

VARIABLES: Final = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


class ServiceManager:
    """The service manager that started this process.

    ``watchdog_seconds`` is the longest time between two reports WATCHDOG=1: after it, the service
    manager kills this process. None: there is no watchdog.
    """

    def __init__(self, address: str, watchdog_seconds: float | None) -> None:
        self.watchdog_seconds = watchdog_seconds
        self._address = f"\0{address[1:]}" if address.startswith("@") else address

    def send(self, *assignments: str) -> None:
        """Send assignments such as READY=1 in one message."""
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender,
        ):
            sender.sendto("\n".join(assignments).encode(), self._address)


class Starter:
    """The variables of the environment that are for this process only, not for its children.

    They are removed from the environment, because a child process must not report in the name of
    this process.
    """

    def __init__(self, environment: MutableMapping[str, str]) -> None:
        self._variables = {name: environment.pop(name) for name in VARIABLES if name in environment}

    def service_manager(self) -> ServiceManager | None:
        """Return the service manager, or None if there is none."""
        return find(self._variables, os.getpid())

    def restore(self, environment: MutableMapping[str, str]) -> None:
        """Restore the variables for the program that exec(2) starts in this process."""
        environment.update(self._variables)


def find(variables: Mapping[str, str], pid: int) -> ServiceManager | None:
    """Return the service manager that NOTIFY_SOCKET names, or None (sd_notify(3)).

    It has a watchdog if WATCHDOG_USEC is set, and WATCHDOG_PID is ``pid`` or missing.
    """
    address = variables.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return None
    watched = variables.get("WATCHDOG_PID", str(pid)) == str(pid)
    microseconds = variables.get("WATCHDOG_USEC", "")
    if not watched or not microseconds.isdecimal() or int(microseconds) == 0:
        return ServiceManager(address, None)
    return ServiceManager(address, int(microseconds) / 1e6)
